/** Form fields of the settings dialog: how they look, and how their values are read. */
import { html, type TemplateResult } from "lit";
import { ifDefined } from "lit/directives/if-defined.js";

export type NumberField<Name extends string = string> = {
  /** The field's name in the form, and that of its value. */
  readonly name: Name;
  readonly label: string;
  /** Limits of what the field shows, which is the value times `scale` (1 without it). */
  readonly min: number;
  readonly max: number;
  readonly scale?: number;
  /** Without it any number is accepted. */
  readonly step?: number;
  /** Shown below the field. */
  readonly help?: string;
};

export function numberField(
  { name, label, min, max, scale = 1, step, help }: NumberField,
  value: number,
): TemplateResult {
  const helpId = help === undefined ? undefined : `${name}-help`;
  return html`<div class="field">
    <label for=${name}>${label}</label>
    <input
      id=${name}
      name=${name}
      type="number"
      required
      min=${min}
      max=${max}
      step=${step ?? "any"}
      .value=${String(Math.round(value * scale * 1000) / 1000)}
      aria-describedby=${ifDefined(helpId)}
    />
    ${help === undefined ? "" : html`<p id=${helpId!} class="quiet small">${help}</p>`}
  </div>`;
}

/** The values of number fields, by name; not yet checked against their limits. */
export function readNumbers(
  form: FormData,
  fields: readonly NumberField[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    fields.map(({ name, scale = 1 }) => [name, Number(form.get(name)) / scale]),
  );
}

/** The options of a `select`, as values and labels. */
export function options(
  choices: readonly (readonly [value: string, label: string])[],
  chosen: string,
): TemplateResult[] {
  return choices.map(
    ([value, label]) =>
      html`<option value=${value} ?selected=${value === chosen}>${label}</option>`,
  );
}
