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
  /** Weights that the member does not hold yet. */
  readonly loadBytes: number;
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

/**
 * Evaluates `stages`, which may violate any constraint. Never throws; stages that are not a placement
 * at all cost Infinity.
 */
export function evaluatePlacement(problem: Problem, stages: readonly Stage[]): Evaluation {
  const { model, maxCostMs = Infinity, loadMsPerByte = 0 } = problem;
  const members = new Map(problem.members.map((member) => [member.id, member]));
  const links = linksAmong(problem, new Set(stages.map((stage) => stage.member)));
  const linkOf = (from: string, to: string): ProblemLink | undefined => links.get(from)?.get(to);
  const weights = objectiveWeights(problem.objective);
  const linear = weights.latency + weights.prefill;
  const tokens = weights.latency + weights.prefill * (model.prefillTokens ?? 1);

  let bottleneckMs = 0;
  let penaltyMs = 0;
  const shares = stages.map((stage, index): StageShare => {
    const member = members.get(stage.member);
    const { latencyMs, prefillMs } = computeTimes(problem, member, stage);
    const { stageMs: oneOfSeveralMs = Infinity, aloneMs = oneOfSeveralMs } = member ?? {};
    const stageMs = stages.length === 1 ? aloneMs : oneOfSeveralMs;
    bottleneckMs = Math.max(bottleneckMs, latencyMs + stageMs);
    let hopMs = 0;
    if (stages.length > 1) {
      const next = stages[index + 1];
      const link = linkOf(stage.member, (next ?? stages[0]!).member);
      const transferMs = next && link ? model.hiddenBytes / link.bytesPerMs : 0;
      hopMs = link ? linear * link.latencyMs + tokens * transferMs : Infinity;
      bottleneckMs = Math.max(bottleneckMs, transferMs);
    }
    if (linear > 0) penaltyMs += member?.penaltyMs ?? 0;
    return {
      ...stage,
      computeMs: linear > 0 ? weights.latency * latencyMs + weights.prefill * prefillMs : latencyMs,
      stageMs,
      hopMs,
      loadBytes: loadBytesOf(problem, member, stage),
      usedBytes: usedBytes(model, stage),
      memoryBytes: member?.memoryBytes ?? 0,
    };
  });
  const sum = (of: (share: StageShare) => number) =>
    shares.reduce((total, share) => total + of(share), 0);
  // Without a linear objective, only a missing link costs anything.
  const hopMs = sum((share) => share.hopMs);
  const computeMs = linear > 0 ? sum((share) => share.computeMs) : 0;
  const stageMs = linear * sum((share) => share.stageMs);
  const loadMs = linear > 0 ? loadMsPerByte * sum((share) => share.loadBytes) : 0;
  const throughputMs = weights.throughput > 0 ? weights.throughput * bottleneckMs : 0;
  const costMs = computeMs + stageMs + hopMs + penaltyMs + loadMs + throughputMs;
  const violations = [
    ...shapeViolations(problem, stages),
    ...stages.flatMap((stage) => memberViolations(problem, members.get(stage.member), stage)),
    ...reachViolations(stages, linkOf),
    ...pinViolations(problem, stages),
  ];
  // A placement without a finite cost has other violations.
  if (costMs < Infinity && costMs > maxCostMs * (1 + 1e-9))
    violations.push({ kind: "too_slow", costMs, maxCostMs });
  return {
    violations,
    costMs: stages.length === 0 ? Infinity : costMs,
    bottleneckMs,
    parts: {
      ...(linear > 0 ? { computeMs, stageMs, hopMs } : slowestParts(shares, bottleneckMs)),
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
function slowestParts(shares: readonly StageShare[], bottleneckMs: number): CostParts {
  const slowest = shares.find((share) => share.computeMs + share.stageMs >= bottleneckMs);
  if (slowest === undefined) return { computeMs: 0, stageMs: 0, hopMs: bottleneckMs };
  return { computeMs: slowest.computeMs, stageMs: slowest.stageMs, hopMs: 0 };
}

/** Layers, embedding, and head of a stage: for one token, and for a chunk of prompt. */
function computeTimes({ model }: Problem, member: ProblemMember | undefined, stage: Stage) {
  const { layerMs = [], prefillLayerMs = layerMs } = member ?? {};
  const embedMs = stage.first === 0 ? member?.embedMs : 0;
  const headMs = stage.end === model.layers.length ? member?.headMs : 0;
  let latencyMs = (embedMs ?? Infinity) + (headMs ?? Infinity);
  let prefillMs = latencyMs;
  for (let layer = stage.first; layer < stage.end; layer++) {
    latencyMs += layerMs[layer] ?? Infinity;
    prefillMs += prefillLayerMs[layer] ?? Infinity;
  }
  return { latencyMs, prefillMs };
}

/** Bytes of the stage's layers that the member does not hold yet. */
function loadBytesOf({ model }: Problem, member: ProblemMember | undefined, stage: Stage): number {
  const { first, end } = member?.held ?? { first: 0, end: 0 };
  return model.layers.slice(stage.first, stage.end).reduce((sum, { weightBytes }, index) => {
    const layer = stage.first + index;
    return layer >= first && layer < end ? sum : sum + weightBytes;
  }, 0);
}

/** Bytes that a stage needs of `memoryBytes`, which leaves scratch out. */
function usedBytes(model: Problem["model"], stage: Stage): number {
  const { weightBytes, cacheBytes } = shardBytes(model, stage);
  return weightBytes + cacheBytes;
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
