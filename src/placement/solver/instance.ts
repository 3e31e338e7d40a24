/**
 * A problem as flat arrays of numbers, for the solver's loops. Members are numbered from 0; excluded
 * ones are left out.
 *
 *   costs     prefix[m, l] (cost of the layers [0, l)), stage[m], embed[m], head[m],
 *             hop[m, next], close[last, first]: the linear part of the objective
 *   domains   the ranges that each member can hold; see `domains.ts`
 */
import type { Problem, ProblemMember } from "../problem/problem.ts";
import { objectiveWeights } from "../problem/evaluate.ts";
import { buildDomains, type Domains } from "./domains.ts";

export type Instance = Domains & {
  readonly problem: Problem;
  readonly memberCount: number;
  readonly layerCount: number;
  /** Index into the problem's members. */
  readonly memberOf: Int32Array; // [members]
  readonly prefix: Float64Array; // [members, layers + 1]
  readonly stage: Float64Array; // [members]
  /** In place of `stage`, for a member that runs all layers. */
  readonly alone: Float64Array; // [members]
  readonly embed: Float64Array; // [members]
  readonly head: Float64Array; // [members]
  readonly hop: Float64Array; // [members, members]; Infinity where there is no link
  readonly close: Float64Array; // [members, members]; last * memberCount + first
  /** Times that limit the throughput; the same for every objective. */
  readonly busyPrefix: Float64Array; // [members, layers + 1]
  readonly busyStage: Float64Array; // [members]
  readonly busyAlone: Float64Array; // [members]
  readonly busyEmbed: Float64Array; // [members]
  readonly busyHead: Float64Array; // [members]
  readonly transfer: Float64Array; // [members, members]
  /** 1 where the member is pinned: it must take part. */
  readonly required: Uint8Array; // [members]
  readonly maxStages: number;
  readonly throughputWeight: number;
};

/** The arrays of `problem` for the members that may hold a layer. */
export function buildInstance(problem: Problem): Instance {
  const memberOf = Int32Array.from(
    problem.members.flatMap(({ excluded }, index) => (excluded === true ? [] : [index])),
  );
  const members = Array.from(memberOf, (index) => problem.members[index]!);
  const layerCount = problem.model.layers.length;
  const weights = objectiveWeights(problem.objective);
  const linear = weights.latency + weights.prefill;
  const each = (value: (member: ProblemMember) => number) => Float64Array.from(members, value);
  const aloneOf = ({ stageMs, aloneMs = stageMs }: ProblemMember) => aloneMs;
  const penaltyOf = ({ penaltyMs = 0 }: ProblemMember) => (linear > 0 ? penaltyMs : 0);
  return {
    problem,
    memberCount: members.length,
    layerCount,
    memberOf,
    ...layerArrays(problem, members),
    stage: each((member) => linear * member.stageMs + penaltyOf(member)),
    alone: each((member) => linear * aloneOf(member) + penaltyOf(member)),
    embed: each(({ embedMs }) => linear * embedMs),
    head: each(({ headMs }) => linear * headMs),
    busyStage: each(({ stageMs }) => stageMs),
    busyAlone: each(aloneOf),
    busyEmbed: each(({ embedMs }) => embedMs),
    busyHead: each(({ headMs }) => headMs),
    ...linkArrays(problem, members),
    ...buildDomains(problem.model, members),
    required: Uint8Array.from(members, ({ pinned }) => (pinned === undefined ? 0 : 1)),
    maxStages: problem.maxStages ?? layerCount,
    throughputWeight: weights.throughput,
  };
}

/** Whether all members that must take part are in `order`. */
export function hasRequired({ required }: Instance, order: readonly number[]): boolean {
  return required.every((flag, member) => flag === 0 || order.includes(member));
}

function layerArrays(problem: Problem, members: readonly ProblemMember[]) {
  const { layers } = problem.model;
  const weights = objectiveWeights(problem.objective);
  const loadMs = weights.latency + weights.prefill > 0 ? (problem.loadMsPerByte ?? 0) : 0;
  const busyPrefix = new Float64Array(members.length * (layers.length + 1));
  const prefix = new Float64Array(busyPrefix.length);
  members.forEach(({ layerMs, prefillLayerMs = layerMs, held }, member) => {
    for (let layer = 0; layer < layers.length; layer++) {
      const isHeld = held !== undefined && layer >= held.first && layer < held.end;
      const load = isHeld ? 0 : loadMs * layers[layer]!.weightBytes;
      const cost = weights.latency * layerMs[layer]! + weights.prefill * prefillLayerMs[layer]!;
      const at = member * (layers.length + 1) + layer;
      busyPrefix[at + 1] = busyPrefix[at]! + layerMs[layer]!;
      prefix[at + 1] = prefix[at]! + (cost + load);
    }
  });
  return { busyPrefix, prefix };
}

function linkArrays(problem: Problem, members: readonly ProblemMember[]) {
  const weights = objectiveWeights(problem.objective);
  const linear = weights.latency + weights.prefill;
  const { hiddenBytes, prefillTokens = 1 } = problem.model;
  const payload = hiddenBytes * (weights.latency + weights.prefill * prefillTokens);
  const pairs = () => new Float64Array(members.length ** 2).fill(Infinity);
  const [hop, close, transfer] = [pairs(), pairs(), pairs()];
  const indexOf = new Map(members.map(({ id }, index) => [id, index]));
  for (const link of problem.links) {
    const from = indexOf.get(link.from);
    const to = indexOf.get(link.to);
    if (from === undefined || to === undefined) continue;
    const at = from * members.length + to;
    hop[at] = linear * link.latencyMs + payload / link.bytesPerMs;
    close[at] = linear * link.latencyMs;
    transfer[at] = hiddenBytes / link.bytesPerMs;
  }
  return { hop, close, transfer };
}
