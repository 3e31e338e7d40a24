/**
 * The cost of a given placement and the constraints it violates, directly from the problem: for
 * previews, where a person moves a boundary, and to check every answer of the solver.
 */
import { type MemberId, type Violation, type Stage, shardBytes } from "../../shared/index.ts";
import type { CostParts } from "./answer.ts";
import type {
  ObjectiveWeights,
  Objective,
  Problem,
  ProblemLink,
  ProblemMember,
} from "./problem.ts";

/** One stage with its times and bytes. */
export type StageShare = {
  readonly member: MemberId;
  readonly first: number;
  readonly end: number;
  /** Layers, embedding and head. */
  readonly computeMs: number;
  readonly stageMs: number;
  /** To the next stage; from the last one back to the first. */
  readonly hopMs: number;
  readonly usedBytes: number;
  readonly memoryBytes: number;
};

export type Evaluation = {
  readonly violations: readonly Violation[];
  /** Infinity when a link is missing or a member is unknown. */
  readonly costMs: number;
  readonly bottleneckMs: number;
  readonly parts: CostParts;
  readonly shares: readonly StageShare[];
};

/** The objective as weights: "latency" is { latency: 1, throughput: 0, prefill: 0 }. */
export function objectiveWeights(objective: Objective): ObjectiveWeights {
  if (typeof objective !== "string") return objective;
  return { latency: 0, throughput: 0, prefill: 0, [objective]: 1 };
}

/** Bytes that a stage needs of `memoryBytes`, which leaves scratch out. */
function usedBytes(model: Problem["model"], stage: Stage): number {
  const { weightBytes, cacheBytes } = shardBytes(model, stage);
  return weightBytes + cacheBytes;
}

/**
 * Evaluates `stages`, which may violate any constraint. Never throws; stages that are not a placement
 * at all cost Infinity.
 */
export function evaluatePlacement(problem: Problem, stages: readonly Stage[]): Evaluation {
  const members = new Map(problem.members.map((member) => [member.id, member]));
  const links = linksAmong(problem, new Set(stages.map((stage) => stage.member)));
  const linkOf = (from: string, to: string): ProblemLink | undefined => links.get(from)?.get(to);
  const violations = [
    ...shapeViolations(problem, stages),
    ...stages.flatMap((stage) => memberViolations(problem, members.get(stage.member), stage)),
    ...reachViolations(stages, linkOf),
    ...pinViolations(problem, stages),
  ];
  const weights = objectiveWeights(problem.objective);
  const linear = weights.latency + weights.prefill;
  const tokens = problem.model.prefillTokens ?? 1;
  const payload = problem.model.hiddenBytes * (weights.latency + weights.prefill * tokens);

  let stageMs = 0;
  let hopMs = 0;
  let penaltyMs = 0;
  let loadMs = 0;
  let computeMs = 0;
  let bottleneckMs = 0;
  const shares = stages.map((stage, index): StageShare => {
    const member = members.get(stage.member);
    const share = shareOf(problem, member, stage);
    const { stageMs: oneOfSeveralMs = Infinity, aloneMs = oneOfSeveralMs } = member ?? {};
    const fixedMs = stages.length === 1 ? aloneMs : oneOfSeveralMs;
    const isLast = index === stages.length - 1;
    const next = isLast ? stages[0] : stages[index + 1];
    let hop = 0;
    if (stages.length > 1 && next !== undefined) {
      const link = linkOf(stage.member, next.member);
      if (link === undefined) hop = Infinity;
      else if (isLast) hop = linear * link.latencyMs;
      else hop = linear * link.latencyMs + payload / link.bytesPerMs;
      if (!isLast && link !== undefined)
        bottleneckMs = Math.max(bottleneckMs, problem.model.hiddenBytes / link.bytesPerMs);
    }
    bottleneckMs = Math.max(bottleneckMs, share.latencyMs + fixedMs);
    const compute = weights.latency * share.latencyMs + weights.prefill * share.prefillMs;
    computeMs += compute;
    stageMs += linear * fixedMs;
    hopMs += hop;
    penaltyMs += linear > 0 ? (member?.penaltyMs ?? 0) : 0;
    loadMs += linear > 0 ? share.loadBytes * (problem.loadMsPerByte ?? 0) : 0;
    return {
      member: stage.member,
      first: stage.first,
      end: stage.end,
      computeMs: linear > 0 ? compute : share.latencyMs,
      stageMs: fixedMs,
      hopMs: hop,
      usedBytes: usedBytes(problem.model, stage),
      memoryBytes: member?.memoryBytes ?? 0,
    };
  });
  const costMs =
    computeMs +
    stageMs +
    hopMs +
    penaltyMs +
    loadMs +
    (weights.throughput > 0 ? weights.throughput * bottleneckMs : 0);
  const { maxCostMs = Infinity } = problem;
  // A placement without a finite cost has other violations.
  if (costMs < Infinity && costMs > maxCostMs * (1 + 1e-9))
    violations.push({ kind: "too_slow", costMs, maxCostMs });
  return {
    violations,
    costMs: stages.length === 0 ? Infinity : costMs,
    bottleneckMs,
    parts: {
      ...partsFor(linear, computeMs, stageMs, hopMs, shares, bottleneckMs),
      ...(penaltyMs > 0 ? { penaltyMs } : {}),
      ...(loadMs > 0 ? { loadMs } : {}),
    },
    shares,
  };
}

/** The links among some members, by `from` and `to`; a large room has a million others. */
function linksAmong(
  problem: Problem,
  ids: ReadonlySet<string>,
): Map<string, Map<string, ProblemLink>> {
  const links = new Map<string, Map<string, ProblemLink>>();
  for (const id of ids) links.set(id, new Map());
  for (const link of problem.links) if (ids.has(link.to)) links.get(link.from)?.set(link.to, link);
  return links;
}

/** For throughput alone, the parts are those of the slowest stage or transfer. */
function partsFor(
  linear: number,
  computeMs: number,
  stageMs: number,
  hopMs: number,
  shares: readonly StageShare[],
  bottleneckMs: number,
): CostParts {
  if (linear > 0) return { computeMs, stageMs, hopMs };
  const slowest = shares.find((share) => share.computeMs + share.stageMs >= bottleneckMs);
  if (slowest === undefined) return { computeMs: 0, stageMs: 0, hopMs: bottleneckMs };
  return { computeMs: slowest.computeMs, stageMs: slowest.stageMs, hopMs: 0 };
}

function shareOf(problem: Problem, member: ProblemMember | undefined, stage: Stage) {
  if (member === undefined) return { latencyMs: Infinity, prefillMs: Infinity, loadBytes: 0 };
  const { layers } = problem.model;
  const ends =
    (stage.first === 0 ? member.embedMs : 0) + (stage.end === layers.length ? member.headMs : 0);
  let latencyMs = ends;
  let prefillMs = ends;
  let loadBytes = 0;
  for (let layer = stage.first; layer < stage.end; layer++) {
    latencyMs += member.layerMs[layer] ?? Infinity;
    prefillMs += (member.prefillLayerMs ?? member.layerMs)[layer] ?? Infinity;
    if (member.held === undefined || layer < member.held.first || layer >= member.held.end)
      loadBytes += layers[layer]?.weightBytes ?? 0;
  }
  return { latencyMs, prefillMs, loadBytes };
}

function shapeViolations(problem: Problem, stages: readonly Stage[]): Violation[] {
  const violations: Violation[] = [];
  let next = 0;
  const seen = new Set<MemberId>();
  for (const { member, first, end } of stages) {
    if (first !== next)
      violations.push({ kind: "gap_or_overlap", member, first, expectedFirst: next });
    if (end <= first) violations.push({ kind: "no_layers", member });
    if (seen.has(member)) violations.push({ kind: "two_stages", member });
    seen.add(member);
    next = end;
  }
  const layers = problem.model.layers.length;
  if (next !== layers) violations.push({ kind: "wrong_layer_count", end: next, layers });
  const { maxStages = Infinity } = problem;
  if (stages.length > maxStages)
    violations.push({ kind: "too_many_stages", stages: stages.length, maxStages });
  return violations;
}

function memberViolations(
  problem: Problem,
  known: ProblemMember | undefined,
  stage: Stage,
): Violation[] {
  const { member } = stage;
  if (known === undefined) return [{ kind: "unknown_member", member }];
  const violations: Violation[] = [];
  if (known.excluded === true) violations.push({ kind: "excluded", member });
  const shortBytes = usedBytes(problem.model, stage) - known.memoryBytes;
  if (shortBytes > 0) violations.push({ kind: "memory", member, shortBytes });
  const tooLarge = largestBinding(problem.model, stage) - (known.maxBindingBytes ?? Infinity);
  if (tooLarge > 0) violations.push({ kind: "binding", member, shortBytes: tooLarge });
  const pin = known.pinned;
  if (typeof pin === "object" && (pin.first !== stage.first || pin.end !== stage.end))
    violations.push({ kind: "pinned_to_other_layers", member, ...pin });
  return violations;
}

function largestBinding(model: Problem["model"], stage: Stage): number {
  let largest = 0;
  for (const layer of model.layers.slice(stage.first, stage.end))
    largest = Math.max(largest, layer.bindingBytes ?? layer.weightBytes);
  if (stage.first === 0) largest = Math.max(largest, model.embedBindingBytes ?? model.embedBytes);
  if (stage.end === model.layers.length)
    largest = Math.max(largest, model.headBindingBytes ?? model.headBytes);
  return largest;
}

function reachViolations(
  stages: readonly Stage[],
  linkOf: (from: string, to: string) => ProblemLink | undefined,
): Violation[] {
  if (stages.length < 2) return [];
  return stages.flatMap((stage, index): Violation[] => {
    const next = stages[(index + 1) % stages.length];
    if (next === undefined || linkOf(stage.member, next.member) !== undefined) return [];
    return [{ kind: "unreachable", member: stage.member, to: next.member }];
  });
}

function pinViolations(problem: Problem, stages: readonly Stage[]): Violation[] {
  const used = new Set(stages.map((stage) => stage.member));
  return problem.members
    .filter((member) => member.pinned !== undefined && !used.has(member.id))
    .map(({ id }) => ({ kind: "pinned_but_unused", member: id }));
}
