/**
 * The constraints, one object each: what it asks, what breaks it, and how it
 * changes the problem. A person can make each of them hard, soft or off; a test
 * switches each.
 */
import type { Member } from "../shared/member.ts";
import type { ModelSummary } from "../shared/model.ts";
import type { PlacementRules, RuleUse } from "../shared/placement-rules.ts";
import type { ConstraintName } from "./answer.ts";
import type { Problem } from "./problem.ts";

export type RoomMember = Member;

export type Constraint = {
  readonly name: ConstraintName;
  /** What it asks, as a sentence for people. */
  readonly asks: string;
  /** Why `member` breaks it, or null; absent where it is no matter of one member. */
  readonly broken?: (
    member: RoomMember,
    model: ModelSummary,
    rules: PlacementRules,
  ) => string | null;
  /** How it changes a problem that was built with every such limit as hard as it can be. */
  readonly shape?: (problem: Problem, use: RuleUse, rules: PlacementRules) => Problem;
};

/** A byte count that no shard reaches. */
const UNLIMITED_BYTES = Number.MAX_SAFE_INTEGER;
/** A link that was never measured, where the rule is not hard: slow, so that it is avoided. */
const UNKNOWN_LINK = { latencyMs: 250, bytesPerMs: 100 };
const PRESSURE_ORDER = ["nominal", "fair", "serious", "critical"];

export const CONSTRAINTS: readonly Constraint[] = [
  {
    name: "memory",
    asks: "Weights, cache and scratch of a shard fit the memory that its member has free.",
    shape: (problem, use) =>
      use === "hard" ? problem : mapMembers(problem, () => ({ memoryBytes: UNLIMITED_BYTES })),
  },
  {
    name: "binding",
    asks: "The largest tensor slice fits one GPU binding.",
    shape: (problem, use) =>
      use === "hard" ? problem : mapMembers(problem, () => ({ maxBindingBytes: UNLIMITED_BYTES })),
  },
  {
    name: "reachable",
    asks: "Neighbours in the pipeline, and the last with the first, have a measured link.",
    shape: (problem, use, { penaltyMs }) =>
      use === "hard" ? problem : withUnknownLinks(problem, use === "soft" ? penaltyMs : 0),
  },
  {
    name: "precision",
    asks: "The member's GPU has the features that the weights need.",
    broken: ({ adapter }, model, { precisionFeatures }) => {
      const missing = precisionFeatures.filter((name) => adapter?.features.includes(name) !== true);
      return missing.length > 0
        ? `lacks ${missing.join(", ")}, which ${model.quantization} needs`
        : null;
    },
  },
  {
    name: "battery",
    asks: "A member on battery has enough left.",
    broken: ({ device }, _model, { batteryLevel }) => {
      const level = device?.batteryLevel ?? null;
      if (level === null || device?.batteryCharging === true || level >= batteryLevel) return null;
      return `has ${percent(level)} of its battery left; the limit is ${percent(batteryLevel)}`;
    },
  },
  {
    name: "pressure",
    asks: "A member is not throttled and not under pressure.",
    broken: ({ device }, _model, { pressureLevel, throttleRatio }) => {
      const pressure = device?.pressure ?? "nominal";
      if (PRESSURE_ORDER.indexOf(pressure) >= PRESSURE_ORDER.indexOf(pressureLevel))
        return `reports ${pressure} pressure`;
      const ratio = device?.throttleRatio ?? 1;
      return ratio > throttleRatio ? `is ${ratio.toFixed(1)} times slower than it measured` : null;
    },
  },
  {
    name: "visibility",
    asks: "A member's tab is visible.",
    broken: ({ device }) => (device?.visible === false ? "is a hidden tab" : null),
  },
  {
    name: "excluded",
    asks: "Members that people excluded take no shard.",
    broken: ({ use }) => (use === "exclude" ? "was excluded by hand" : null),
  },
  {
    name: "pinned",
    asks: "Members that people pinned take part.",
    shape: (problem, use) => (use === "hard" ? problem : withoutPins(problem)),
  },
  {
    name: "maxStages",
    asks: "The pipeline has no more than so many stages.",
    shape: (problem, use, { mostStages }) =>
      use === "hard" ? { ...problem, maxStages: mostStages } : problem,
  },
  {
    name: "speed",
    asks: "The predicted speed is worth having.",
    shape: (problem, use, { slowestTokensPerSecond }) =>
      use === "hard" ? { ...problem, maxCostMs: 1000 / slowestTokensPerSecond } : problem,
  },
];

function mapMembers(problem: Problem, change: () => Partial<Problem["members"][number]>): Problem {
  return { ...problem, members: problem.members.map((member) => ({ ...member, ...change() })) };
}

function withoutPins(problem: Problem): Problem {
  const members = problem.members.map(({ pinned: _pinned, ...member }) => member);
  return { ...problem, members };
}

/** Every missing link as a slow one; `extraMs` is what a soft rule charges for each. */
function withUnknownLinks(problem: Problem, extraMs: number): Problem {
  const latencyMs = UNKNOWN_LINK.latencyMs + extraMs;
  const there = new Set(problem.links.map(({ from, to }) => JSON.stringify([from, to])));
  const ids = problem.members.map(({ id }) => id);
  const unknown = ids.flatMap((from) =>
    ids
      .filter((to) => to !== from && !there.has(JSON.stringify([from, to])))
      .map((to) => ({ from, to, ...UNKNOWN_LINK, latencyMs })),
  );
  return { ...problem, links: [...problem.links, ...unknown] };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
