/**
 * The placement options as form fields: each constraint (hard, soft, or off) with its
 * limit, the objective, the weights of the scores, and when layers move. Templates and
 * how to read them back; sends nothing.
 */
import { css, html, type TemplateResult } from "lit";
import { PlacementRules } from "../shared/index.ts";
import { type Field, fieldTemplate, readFields } from "./fields.ts";

const USES = ["hard", "soft", "off"];
/** Of a constraint that cannot be soft. */
const SWITCH = ["hard", "off"];

/** The constraints; a limit follows its constraint. */
const RULES = [
  { name: "memory", label: "Layers fit in free memory", choices: SWITCH },
  {
    name: "binding",
    label: "Each tensor fits in one GPU binding",
    choices: SWITCH,
  },
  {
    name: "reachable",
    label: "Adjacent stages have a measured link",
    choices: USES,
  },
  { name: "visibility", label: "Tab is visible", choices: USES },
  { name: "pinned", label: "“Always use” is respected", choices: SWITCH },
  { name: "excluded", label: "“Never use” is respected", choices: USES },
  { name: "battery", label: "Sufficient battery", choices: USES },
  {
    name: "batteryLevel",
    label: "Minimum charge (%)",
    min: 0,
    max: 100,
    step: 1,
    scale: 100,
  },
  { name: "maxStages", label: "Limited number of stages", choices: SWITCH },
  {
    name: "maxStageCount",
    label: "Maximum stages",
    min: 1,
    max: 1024,
    step: 1,
  },
  { name: "speed", label: "Minimum speed", choices: SWITCH },
  {
    name: "minTokensPerSecond",
    label: "Tokens per second",
    min: 0.01,
    max: 10000,
    step: 0.01,
  },
  { name: "pressure", label: "Not throttled or under pressure", choices: USES },
  {
    name: "throttleRatio",
    label: "Maximum slowdown (×)",
    min: 1,
    max: 100,
    step: 0.1,
  },
  {
    name: "pressureLevel",
    label: "Pressure below",
    choices: ["fair", "serious", "critical"],
  },
  { name: "penaltyMs", label: "Soft penalty (ms per token)", min: 0, max: 1e9 },
  { name: "precision", label: "Required GPU features", choices: USES },
] as const satisfies readonly Field[];

const MOVES = [
  { name: "moveGain", label: "Minimum gain (%)", min: 0, max: 100, scale: 100 },
  { name: "moveHorizonTokens", label: "Payback period (tokens)", min: 1, max: 1e9 },
] as const satisfies readonly Field[];

const OBJECTIVE: Field = {
  name: "objective",
  label: "Optimize for",
  choices: [
    ["latency", "Fastest single answer"],
    ["throughput", "Highest total throughput"],
    ["prefill", "Fastest prompt processing"],
    ["mix", "Weighted mix"],
  ],
};

const PARTS = ["latency", "throughput", "prefill"] as const;
const SCORES = ["compute", "memory", "network", "thermal", "bandwidth"] as const;

/** The fields, filled with `rules`; put them into a form and read it with `readRules`. */
export function rulesFields(rules: PlacementRules): TemplateResult {
  const { objective } = rules;
  const mix = typeof objective === "string" ? null : objective;
  const filled = (fields: typeof RULES | typeof MOVES) =>
    html`<div class="pair">${fields.map((field) => fieldTemplate(field, rules[field.name]))}</div>`;
  return html`<details class="rules" @invalid=${openForInvalid}>
    <summary>Placement</summary>
    <div class="inside">
      ${fieldTemplate(OBJECTIVE, mix === null ? objective : "mix")}
      ${weights("Mix weights", "mix", PARTS, (part) => mix?.[part] ?? (part === "latency" ? 1 : 0))}
      <fieldset>
        <legend>Constraints</legend>
        <p class="quiet small">
          A hard constraint is never violated. Violating a soft constraint adds the penalty to the
          predicted cost.
        </p>
        ${filled(RULES)}
        <div class="field">
          <label for="precisionFeatures">WebGPU feature names, comma-separated</label>
          <input
            id="precisionFeatures"
            name="precisionFeatures"
            placeholder="shader-f16"
            autocomplete="off"
            .value=${rules.precisionFeatures.join(", ")}
          />
        </div>
      </fieldset>
      <fieldset>
        <legend>When layers move</legend>
        ${filled(MOVES)}
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
  const features = form.get("precisionFeatures");
  const parsed = PlacementRules.safeParse({
    ...before,
    ...readFields(form, [...RULES, ...MOVES]),
    objective: objective === "mix" ? mix : objective,
    scores: group("score", SCORES),
    precisionFeatures: typeof features === "string" ? (features.match(/[\w-]+/g) ?? []) : [],
  });
  return parsed.success ? parsed.data : null;
}

/** An invalid field must be visible to be corrected. The event does not bubble. */
const openForInvalid = {
  handleEvent: (event: Event) => ((event.currentTarget as HTMLDetailsElement).open = true),
  capture: true,
};

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
        fieldTemplate(
          { name: `${prefix}-${part}`, label: part, min: 0, max: 1000 },
          weightOf(part),
        ),
      )}
    </div>
  </fieldset>`;
}

export const rulesStyles = css`
  .inside {
    display: grid;
    gap: var(--gap-l);
    margin-top: var(--gap-m);
  }
  .inside .pair {
    gap: var(--gap-s) var(--gap-l);
  }
  .inside .pair .field {
    align-content: end;
  }
  .weights label::first-letter {
    text-transform: uppercase;
  }
  .weights {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(4.75rem, 1fr));
    gap: var(--gap-m) var(--gap-s);
  }
  .inside:not(:has(option[value="mix"]:checked)) .mix {
    display: none;
  }
`;
