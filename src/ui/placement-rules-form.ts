/**
 * The placement options as form fields: each constraint (hard, soft, or off) with its
 * limit, the objective, the weights of the scores, and when layers move. Templates and
 * how to read them back; sends nothing.
 */
import { html, nothing, type TemplateResult } from "lit";
import { type ConstraintName, PlacementRules } from "../shared/index.ts";
import { type NumberField, numberField, options, readNumbers } from "./fields.ts";

type LimitName = "batteryLevel" | "throttleRatio" | "maxStageCount" | "minTokensPerSecond";

type Rule = {
  readonly name: ConstraintName;
  readonly label: string;
  /** The constraint cannot be soft. */
  readonly isSwitch?: boolean;
  readonly limit?: NumberField<LimitName>;
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

const MOVES = [
  { name: "moveGain", label: "Minimum gain (%)", min: 0, max: 100, scale: 100 },
  { name: "moveHorizonTokens", label: "Payback period (tokens)", min: 1, max: 1e9 },
] as const satisfies readonly NumberField[];

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
          ${options(OBJECTIVES, typeof objective === "string" ? objective : "mix")}
        </select>
      </div>
      ${weights("Mix weights", "mix", PARTS, (part) => mix?.[part] ?? (part === "latency" ? 1 : 0))}
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
        <div class="pair">${MOVES.map((field) => numberField(field, rules[field.name]))}</div>
      </fieldset>
      ${weights("Score weights", "score", SCORES, (part) => rules.scores[part])}
    </div>
  </details>`;
}

/** The rules that a form holds, or null when a number is outside its limits. */
export function readRules(form: FormData, before: PlacementRules): PlacementRules | null {
  const group = (prefix: string, parts: readonly string[]) =>
    Object.fromEntries(parts.map((part) => [part, Number(form.get(`${prefix}-${part}`))]));
  const objective = form.get("objective");
  const mix = group("mix", PARTS);
  if (objective === "mix" && Object.values(mix).every((weight) => weight === 0)) return null;
  const limits = RULES.flatMap((rule) => rule.limit ?? []);
  const features = form.get("precisionFeatures");
  const parsed = PlacementRules.safeParse({
    ...before,
    ...readNumbers(form, [...limits, ...MOVES]),
    ...Object.fromEntries(RULES.map(({ name }) => [name, form.get(`rule-${name}`)])),
    objective: objective === "mix" ? mix : objective,
    penaltyMs: Number(form.get("penaltyMs")),
    scores: group("score", SCORES),
    precisionFeatures: typeof features === "string" ? (features.match(/[\w-]+/g) ?? []) : [],
    pressureLevel: form.get("pressureLevel"),
  });
  return parsed.success ? parsed.data : null;
}

/** An invalid field must be visible to be corrected. The event does not bubble. */
const openForInvalid = {
  handleEvent: (event: Event) => ((event.currentTarget as HTMLDetailsElement).open = true),
  capture: true,
};

function ruleRow(rule: Rule, rules: PlacementRules) {
  const { name, label, isSwitch, limit: bound } = rule;
  const uses = isSwitch ? ["hard", "off"] : ["hard", "soft", "off"];
  return html`<div class="rule">
    <label for="rule-${name}">${label}</label>
    <select id="rule-${name}" name="rule-${name}">
      ${options(
        uses.map((use) => [use, use]),
        rules[name],
      )}
    </select>
    ${bound === undefined ? nothing : numberField(bound, rules[bound.name])}
    ${name === "pressure" ? pressureLevel(rules) : nothing}
    ${name === "precision" ? precisionFeatures(rules) : nothing}
  </div>`;
}

function precisionFeatures({ precisionFeatures: named }: PlacementRules) {
  return html`<div class="field features">
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
  const levels = ["fair", "serious", "critical"] as const;
  return html`<div class="field">
    <label for="pressureLevel">Pressure below</label>
    <select id="pressureLevel" name="pressureLevel">
      ${options(
        levels.map((level) => [level, level]),
        chosen,
      )}
    </select>
  </div>`;
}

function weights<Part extends string>(
  legend: string,
  prefix: string,
  parts: readonly Part[],
  weightOf: (part: Part) => number,
) {
  return html`<fieldset class=${prefix}>
    <legend>${legend}</legend>
    <div class="weights">
      ${parts.map((part) =>
        numberField({ name: `${prefix}-${part}`, label: part, min: 0, max: 1000 }, weightOf(part)),
      )}
    </div>
  </fieldset>`;
}

function limit(
  name: LimitName,
  label: string,
  min: number,
  max: number,
  step: number,
  scale = 1,
): NumberField<LimitName> {
  return { name, label, min, max, step, scale };
}
