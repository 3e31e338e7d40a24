/**
 * A problem as flat arrays of numbers, for the solver's loops. Members are numbered from 0; excluded
 * ones are left out.
 *
 *   costs     those of each member, hop[m, next], close[last, first]: the linear part of the objective
 *   domains   the ranges that each member can hold; see `domains.ts`
 */
import type { ObjectiveWeights, Problem, ProblemMember } from "../problem/problem.ts";
import { objectiveWeights } from "../problem/evaluate.ts";
import { buildDomains, type Domains } from "./domains.ts";

/** The costs of each member, ms. */
export type MemberCosts = {
  /** Of the layers [0, l). */
  readonly prefix: Float64Array; // [members, layers + 1]
  readonly stage: Float64Array; // [members]
  /** In place of `stage`, for a member that runs all layers. */
  readonly alone: Float64Array; // [members]
  readonly embed: Float64Array; // [members]
  readonly head: Float64Array; // [members]
};

export type Instance = Domains &
  MemberCosts & {
    readonly problem: Problem;
    readonly memberCount: number;
    readonly layerCount: number;
    /** Index into the problem's members. */
    readonly memberOf: Int32Array; // [members]
    readonly hop: Float64Array; // [members, members]; Infinity where there is no link
    readonly close: Float64Array; // [members, members]; last * memberCount + first
    /** Times that limit the throughput; the same for every objective. */
    readonly busy: MemberCosts;
    readonly transfer: Float64Array; // [members, members]
    /** 1 where the member is pinned: it must take part. */
    readonly required: Uint8Array; // [members]
    readonly maxStages: number;
    readonly throughputWeight: number;
  };

/** A placement: members by their index in the instance. */
export type Plan = {
  readonly order: readonly number[];
  /** Where each stage ends; the last is the number of layers. */
  readonly ends: Int32Array;
  /** The objective's value. */
  readonly cost: number;
};

/** The arrays of `problem` for the members that may hold a layer. */
export function buildInstance(problem: Problem): Instance {
  const memberOf = Int32Array.from(
    problem.members.flatMap(({ excluded }, index) => (excluded === true ? [] : [index])),
  );
  const members = Array.from(memberOf, (index) => problem.members[index]!);
  const layerCount = problem.model.layers.length;
  const weights = objectiveWeights(problem.objective);
  const isLinear = weights.latency + weights.prefill > 0;
  const byteMs = problem.model.layers.map(
    ({ weightBytes }) => weightBytes * (isLinear ? (problem.loadMsPerByte ?? 0) : 0),
  );
  const plain = members.map((member) => ({ ...member, penaltyMs: 0 }));
  return {
    problem,
    memberCount: members.length,
    layerCount,
    memberOf,
    ...memberCosts(isLinear ? members : plain, byteMs, weights),
    busy: memberCosts(plain, byteMs.fill(0), objectiveWeights("latency")),
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

/** `loadMs`: the cost of loading each layer where it is not held. */
function memberCosts(
  members: readonly ProblemMember[],
  loadMs: readonly number[],
  { latency, prefill }: ObjectiveWeights,
): MemberCosts {
  const linear = latency + prefill;
  const width = loadMs.length + 1;
  const prefix = new Float64Array(members.length * width);
  members.forEach(({ layerMs, prefillLayerMs = layerMs, held }, member) => {
    loadMs.forEach((ms, layer) => {
      const isHeld = held !== undefined && layer >= held.first && layer < held.end;
      const cost = latency * layerMs[layer]! + prefill * prefillLayerMs[layer]!;
      const at = member * width + layer;
      prefix[at + 1] = prefix[at]! + (cost + (isHeld ? 0 : ms));
    });
  });
  const each = (costOf: (member: ProblemMember) => number) => Float64Array.from(members, costOf);
  return {
    prefix,
    stage: each(({ stageMs, penaltyMs = 0 }) => linear * stageMs + penaltyMs),
    alone: each(({ stageMs, aloneMs = stageMs, penaltyMs = 0 }) => linear * aloneMs + penaltyMs),
    embed: each(({ embedMs }) => linear * embedMs),
    head: each(({ headMs }) => linear * headMs),
  };
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
