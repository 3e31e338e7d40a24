/**
 * The placement options as form fields: each constraint (hard, soft, or off) with its
 * limit, the objective, the weights of the scores, and when layers move. Templates and
 * how to read them back; sends nothing.
 */
import { html, nothing, type TemplateResult } from "lit";
import { type ConstraintName, PlacementRules } from "../shared/index.ts";
import { type NumberField, numberField } from "./number-field.ts";

type Limit = NumberField & {
  readonly name: "batteryLevel" | "throttleRatio" | "maxStageCount" | "minTokensPerSecond";
  /** The field shows the rule's number times this. */
  readonly scale: number;
};

/** `isSwitch`: the constraint cannot be soft. */
type Rule = {
  readonly name: ConstraintName;
  readonly label: string;
  readonly isSwitch?: boolean;
  readonly limit?: Limit;
};

const RULES: readonly Rule[] = [
  { name: "memory", label: "Layers fit in free memory", isSwitch: true },
  { name: "binding", label: "Each tensor fits in one GPU binding", isSwitch: true },
  { name: "reachable", label: "Adjacent stages have a measured link" },
  { name: "precision", label: "Required GPU features" },
  {
    name: "battery",
    label: "Sufficient battery",
    limit: limit("batteryLevel", "Minimum charge (%)", 0, 100, 1, 100),
  },
  {
    name: "pressure",
    label: "Not throttled or under pressure",
    limit: limit("throttleRatio", "Maximum slowdown (×)", 1, 100, 0.1),
  },
  { name: "visibility", label: "Tab is visible" },
  { name: "pinned", label: "“Always use” is respected", isSwitch: true },
  { name: "excluded", label: "“Never use” is respected" },
  {
    name: "maxStages",
    label: "Limited number of stages",
    isSwitch: true,
    limit: limit("maxStageCount", "Maximum stages", 1, 1024, 1),
  },
  {
    name: "speed",
    label: "Minimum speed",
    isSwitch: true,
    limit: limit("minTokensPerSecond", "Tokens per second", 0.01, 10000, 0.01),
  },
];

const OBJECTIVES = [
  ["latency", "Fastest single answer"],
  ["throughput", "Highest total throughput"],
  ["prefill", "Fastest prompt processing"],
  ["mix", "Weighted mix"],
] as const;

const PARTS = ["latency", "throughput", "prefill"] as const;
const SCORES = ["compute", "memory", "network", "thermal", "bandwidth"] as const;

/** The fields, filled with `rules`; put them into a form and read it with `readRules`. */
export function rulesFields(rules: PlacementRules): TemplateResult {
  const { objective } = rules;
  const mix = typeof objective === "string" ? null : objective;
  return html`<details class="rules" @invalid=${openForInvalid}>
    <summary>Placement</summary>
    <div class="inside">
      <div class="field">
        <label for="objective">Optimize for</label>
        <select id="objective" name="objective">
          ${OBJECTIVES.map(
            ([value, label]) =>
              html`<option value=${value} ?selected=${value === (mix === null ? objective : "mix")}>
                ${label}
              </option>`,
          )}
        </select>
      </div>
      ${weights(
        "Mix weights",
        "mix",
        PARTS.map((part) => [part, mix?.[part] ?? (part === "latency" ? 1 : 0)]),
      )}
      <fieldset>
        <legend>Constraints</legend>
        <p class="quiet small">
          A hard constraint is never violated. Violating a soft constraint adds
          <input
            class="inline"
            name="penaltyMs"
            type="number"
            min="0"
            step="any"
            required
            aria-label="Penalty for violating a soft constraint, in ms per token"
            .value=${String(rules.penaltyMs)}
          />
          ms per token to the predicted cost.
        </p>
        ${RULES.map((rule) => ruleRow(rule, rules))}
      </fieldset>
      <fieldset>
        <legend>When layers move</legend>
        <div class="pair">
          ${number("moveGain", "Minimum gain (%)", rules.moveGain * 100, 0, 100)}
          ${number("moveHorizonTokens", "Payback period (tokens)", rules.moveHorizonTokens, 1, 1e9)}
        </div>
      </fieldset>
      ${weights(
        "Score weights",
        "score",
        SCORES.map((part) => [part, rules.scores[part]]),
      )}
    </div>
  </details>`;
}

/** The rules that a form holds, or null when a number is outside its limits. */
export function readRules(fields: FormData, before: PlacementRules): PlacementRules | null {
  const numberOf = (name: string, scale = 1) => Number(fields.get(name)) / scale;
  const group = (prefix: string, parts: readonly string[]) =>
    Object.fromEntries(parts.map((part) => [part, numberOf(`${prefix}-${part}`)]));
  const objective = fields.get("objective");
  const mix = group("mix", PARTS);
  if (objective === "mix" && Object.values(mix).every((weight) => weight === 0)) return null;
  const parsed = PlacementRules.safeParse({
    ...before,
    objective: objective === "mix" ? mix : objective,
    penaltyMs: numberOf("penaltyMs"),
    moveGain: numberOf("moveGain", 100),
    moveHorizonTokens: numberOf("moveHorizonTokens"),
    scores: group("score", SCORES),
    ...Object.fromEntries(RULES.map(({ name }) => [name, fields.get(`rule-${name}`)])),
    ...Object.fromEntries(
      RULES.flatMap((rule) =>
        rule.limit ? [[rule.limit.name, numberOf(rule.limit.name, rule.limit.scale)]] : [],
      ),
    ),
    precisionFeatures: namesIn(fields.get("precisionFeatures")),
    ...(fields.get("pressureLevel") === null ? {} : { pressureLevel: fields.get("pressureLevel") }),
  });
  return parsed.success ? parsed.data : null;
}

function namesIn(field: FormDataEntryValue | null): string[] {
  return typeof field === "string" ? (field.match(/[\w-]+/g) ?? []) : [];
}

/** An invalid field must be visible to be corrected. The event does not bubble. */
const openForInvalid = {
  handleEvent: (event: Event) => ((event.currentTarget as HTMLDetailsElement).open = true),
  capture: true,
};

function ruleRow(rule: Rule, rules: PlacementRules) {
  const { name, label, isSwitch, limit: bound } = rule;
  const uses = isSwitch ? (["hard", "off"] as const) : (["hard", "soft", "off"] as const);
  return html`<div class="rule">
    <label for="rule-${name}">${label}</label>
    <select id="rule-${name}" name="rule-${name}">
      ${uses.map(
        (use) => html`<option value=${use} ?selected=${use === rules[name]}>${use}</option>`,
      )}
    </select>
    ${
      bound === undefined
        ? nothing
        : html`<div class="limit">${numberField(bound, rules[bound.name] * bound.scale)}</div>`
    }
    ${name === "pressure" ? pressureLevel(rules) : nothing}
    ${name === "precision" ? precisionFeatures(rules) : nothing}
  </div>`;
}

function precisionFeatures({ precisionFeatures: named }: PlacementRules) {
  return html`<div class="limit features">
    <label for="precisionFeatures">WebGPU feature names, comma-separated</label>
    <input
      id="precisionFeatures"
      name="precisionFeatures"
      placeholder="shader-f16"
      autocomplete="off"
      .value=${named.join(", ")}
    />
  </div>`;
}

function pressureLevel({ pressureLevel: chosen }: PlacementRules) {
  return html`<div class="limit">
    <label for="pressureLevel">Pressure below</label>
    <select id="pressureLevel" name="pressureLevel">
      ${(["fair", "serious", "critical"] as const).map(
        (level) => html`<option value=${level} ?selected=${level === chosen}>${level}</option>`,
      )}
    </select>
  </div>`;
}

function number(name: string, label: string, value: number, min: number, max: number) {
  return html`<div class="limit">${numberField({ name, label, min, max }, value)}</div>`;
}

function weights(legend: string, prefix: string, parts: readonly (readonly [string, number])[]) {
  return html`<fieldset class=${prefix}>
    <legend>${legend}</legend>
    <div class="weights">
      ${parts.map(([part, value]) => number(`${prefix}-${part}`, part, value, 0, 1000))}
    </div>
  </fieldset>`;
}

function limit(
  name: Limit["name"],
  label: string,
  min: number,
  max: number,
  step: number,
  scale = 1,
): Limit {
  return { name, label, min, max, step, scale };
}
