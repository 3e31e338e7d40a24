/** Form fields of the settings dialog: how they look, and how their values are read. */
import { html, nothing, type TemplateResult } from "lit";
import { ifDefined } from "lit/directives/if-defined.js";

/** A value with its label, or one that is its own label. */
export type Choice = string | readonly [value: string, label: string];

type NumberLimits = {
  readonly choices?: undefined;
  /** Limits of what the field shows, which is the value times `scale` (1 without it). */
  readonly min: number;
  readonly max: number;
  readonly scale?: number;
  /** Without it any number is accepted. */
  readonly step?: number;
};

/** One of some choices, or a number. */
export type Field<Name extends string = string> = {
  /** The field's name in the form, and that of its value. */
  readonly name: Name;
  readonly label: string;
  /** Shown below the field. */
  readonly help?: string;
} & ({ readonly choices: readonly Choice[] } | NumberLimits);

export function fieldTemplate(field: Field, value: unknown, disabled = false): TemplateResult {
  const { name, label, help } = field;
  const helpId = help === undefined ? undefined : `${name}-help`;
  return html`<div class="field">
    <label for=${name}>${label}</label>
    ${
      field.choices === undefined
        ? html`<input
            id=${name}
            name=${name}
            type="number"
            required
            min=${field.min}
            max=${field.max}
            step=${field.step ?? "any"}
            .value=${String(Math.round(Number(value) * (field.scale ?? 1) * 1000) / 1000)}
            aria-describedby=${ifDefined(helpId)}
          />`
        : html`<select
            id=${name}
            name=${name}
            ?disabled=${disabled}
            aria-describedby=${ifDefined(helpId)}
          >
            ${options(field.choices, value)}
          </select>`
    }
    ${help === undefined ? nothing : html`<p id=${helpId!} class="quiet small">${help}</p>`}
  </div>`;
}

/** The values of fields, by name; not yet checked against their limits. */
export function readFields(
  form: FormData,
  fields: readonly Field[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    fields.map((field) => {
      const value = form.get(field.name);
      return [field.name, field.choices ? value : Number(value) / (field.scale ?? 1)];
    }),
  );
}

/** The options of a `select`. */
export function options(choices: readonly Choice[], chosen: unknown): TemplateResult[] {
  return choices.map((choice) => {
    const [value, label] = typeof choice === "string" ? [choice, choice] : choice;
    return html`<option value=${value} ?selected=${value === chosen}>${label}</option>`;
  });
}
