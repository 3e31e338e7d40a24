/** A labeled number with its limits, for the forms of the settings dialog. */
import { html, type TemplateResult } from "lit";
import { ifDefined } from "lit/directives/if-defined.js";

export type NumberField = {
  readonly name: string;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  /** Without it any number is accepted. */
  readonly step?: number;
  /** Shown below the field. */
  readonly help?: string;
};

/** Read it as `FormData` under the field's name. */
export function numberField(
  { name, label, min, max, step, help }: NumberField,
  value: number,
): TemplateResult {
  const helpId = help === undefined ? undefined : `${name}-help`;
  return html`<label for=${name}>${label}</label>
    <input
      id=${name}
      name=${name}
      type="number"
      required
      min=${min}
      max=${max}
      step=${step ?? "any"}
      .value=${String(Math.round(value * 1000) / 1000)}
      aria-describedby=${ifDefined(helpId)}
    />
    ${help === undefined ? "" : html`<p id=${helpId!} class="quiet small">${help}</p>`}`;
}
