/**
 * The constraints, one object each: which members break it, and the problem without it.
 * A person can make each of them hard, soft or off; a test switches each.
 *
 *   memory      weights, cache and scratch of a shard fit the memory that its member has free
 *   binding     the largest tensor slice fits one GPU binding
 *   reachable   neighbors in the pipeline, and the last and the first, have a measured link
 *   precision   the member's GPU has the features that the weights need
 *   battery     a member on battery power has enough charge left
 *   pressure    a member is neither throttled, now or soon, nor under compute pressure
 *   visibility  a member's tab is visible
 *   excluded    members that people excluded, or whose layers failed repeatedly, take no shard
 *   pinned      members that people pinned take part
 *   maxStages   the pipeline has at most so many stages
 *   speed       the predicted speed is at least the room's minimum
 */
import {
  FORECAST_AHEAD_MS,
  MAX_FAULTS,
  msUntilRatio,
  type Member,
  type ModelSummary,
  type Breach,
  type BrokenRule,
  type ConstraintName,
  type PlacementRules,
} from "../../shared/index.ts";
import type { Problem } from "./problem.ts";

export type Constraint = {
  readonly name: ConstraintName;
  /** How `member` breaks it, or null; absent where it does not concern a single member. */
  readonly breach?: (member: Member, model: ModelSummary, rules: PlacementRules) => Breach | null;
  /** The problem without this constraint; a link that is missing is then slow and costs `penaltyMs`. */
  readonly lift?: (problem: Problem, penaltyMs: number) => Problem;
};

/** More bytes than any shard has. */
const UNLIMITED_BYTES = Number.MAX_SAFE_INTEGER;
/** An unmeasured link, where the rule is not hard: slow, so that it is avoided. */
const UNKNOWN_LINK = { latencyMs: 250, bytesPerMs: 100 };
const PRESSURE_ORDER = ["nominal", "fair", "serious", "critical"];

export const CONSTRAINTS: readonly Constraint[] = [
  {
    name: "memory",
    lift: (problem) => changeMembers(problem, { memoryBytes: UNLIMITED_BYTES }),
  },
  {
    name: "binding",
    lift: (problem) => changeMembers(problem, { maxBindingBytes: UNLIMITED_BYTES }),
  },
  {
    name: "reachable",
    lift: withUnknownLinks,
  },
  {
    name: "precision",
    breach: ({ adapter }, { quantization }, { precisionFeatures }) => {
      const features = precisionFeatures.filter((name) => !adapter?.features.includes(name));
      return features.length > 0 ? { kind: "missing_features", features, quantization } : null;
    },
  },
  {
    name: "battery",
    breach: ({ device }, _model, { batteryLevel }) => {
      const level = device?.batteryLevel ?? null;
      if (level === null || device?.batteryCharging === true || level >= batteryLevel) return null;
      return { kind: "low_battery", level, limit: batteryLevel };
    },
  },
  {
    name: "pressure",
    breach: ({ device }, _model, { pressureLevel, throttleRatio: limit }) => {
      const pressure = device?.pressure ?? "nominal";
      if (PRESSURE_ORDER.indexOf(pressure) >= PRESSURE_ORDER.indexOf(pressureLevel))
        return { kind: "under_pressure", pressure };
      const ratio = device?.throttleRatio ?? 1;
      if (ratio > limit) return { kind: "throttled", ratio, limit };
      const forecast = device?.forecast ?? null;
      const inMs = forecast && msUntilRatio(forecast, limit);
      if (forecast === null || inMs === null || inMs > FORECAST_AHEAD_MS) return null;
      return { kind: "throttles_soon", ratio: forecast.limit, limit, inMs };
    },
  },
  {
    name: "visibility",
    breach: ({ device }) => (device?.visible === false ? { kind: "hidden_tab" } : null),
  },
  {
    name: "excluded",
    breach: ({ use, fault }) => {
      if (use === "exclude") return { kind: "excluded" };
      // Waiting again for layers that do not arrive would take minutes.
      const isFaulty =
        fault && (fault.count >= MAX_FAULTS || fault.cause.reason === "load_stalled");
      if (!isFaulty) return null;
      return { kind: "failed", count: fault.count, cause: fault.cause };
    },
    lift: (problem) => changeMembers(problem, { excluded: false }),
  },
  {
    name: "pinned",
    lift: withoutPins,
  },
  {
    name: "maxStages",
    lift: ({ maxStages: _, ...problem }) => problem,
  },
  {
    name: "speed",
    lift: ({ maxCostMs: _, ...problem }) => problem,
  },
];

/** The constraints that `member` breaks on its own, unless they are off. */
export function brokenRules(
  member: Member,
  model: ModelSummary,
  rules: PlacementRules,
): BrokenRule[] {
  return CONSTRAINTS.flatMap(({ name, breach }): BrokenRule[] => {
    const use = rules[name];
    const found = use === "off" ? null : (breach?.(member, model, rules) ?? null);
    if (found === null) return [];
    return [{ member: member.id, constraint: name, hard: use === "hard", breach: found }];
  });
}

/**
 * `problem`, which was built with all limits hard, under these rules. Constraints that single members
 * break are in it already: see `brokenRules`.
 */
export function applyRules(problem: Problem, rules: PlacementRules): Problem {
  return CONSTRAINTS.reduce((changed, { name, breach, lift }) => {
    if (breach !== undefined || lift === undefined || rules[name] === "hard") return changed;
    return lift(changed, rules[name] === "soft" ? rules.penaltyMs : 0);
  }, problem);
}

function changeMembers(problem: Problem, change: Partial<Problem["members"][number]>): Problem {
  return { ...problem, members: problem.members.map((member) => ({ ...member, ...change })) };
}

function withoutPins(problem: Problem): Problem {
  const members = problem.members.map(({ pinned: _pinned, ...member }) => member);
  return { ...problem, members };
}

function withUnknownLinks(problem: Problem, penaltyMs: number): Problem {
  const latencyMs = UNKNOWN_LINK.latencyMs + penaltyMs;
  const there = new Set(problem.links.map(({ from, to }) => JSON.stringify([from, to])));
  const ids = problem.members.map(({ id }) => id);
  const unknown = ids.flatMap((from) =>
    ids
      .filter((to) => to !== from && !there.has(JSON.stringify([from, to])))
      .map((to) => ({ from, to, ...UNKNOWN_LINK, latencyMs })),
  );
  return { ...problem, links: [...problem.links, ...unknown] };
}
