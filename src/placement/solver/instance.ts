/**
 * A problem as flat arrays of numbers: what the solver's loops run over.
 *
 *   members that can hold nothing are left out; `ids` says who is who
 *   costs        prefix[d, l] (ms of layers [0, l)), stage[d], embed[d], head[d],
 *                hop[d, e], close[last, first]: the linear part of the objective
 *   domains      a shard of d that starts at l ends in [minEnd[d, l], reach[d, l]];
 *                as first stage it ends by firstEnd[d]; as last it starts at or
 *                after lastStart[d]; single[d] says that d can run all layers
 *
 * Domains hold memory, binding, exclusions, pins, and a cap on the slowest stage.
 */
import { mixOf } from "../problem/evaluate.ts";
import type { Problem, ProblemMember } from "../problem/problem.ts";

export type Instance = {
  readonly problem: Problem;
  readonly n: number;
  readonly L: number;
  /** Index into the problem's members. */
  readonly memberOf: Int32Array; // [n]
  readonly prefix: Float64Array; // [n, L + 1]
  /** One layer's linear cost, as it was given: `prefix` is its running sum. */
  readonly layer: Float64Array; // [n, L]
  readonly stage: Float64Array; // [n]
  readonly embed: Float64Array; // [n]
  readonly head: Float64Array; // [n]
  readonly hop: Float64Array; // [n, n]; Infinity where there is no link
  readonly close: Float64Array; // [n, n]; last * n + first
  /** Times that bound the throughput; the same arrays for every objective. */
  readonly busyPrefix: Float64Array; // [n, L + 1]
  readonly busyStage: Float64Array; // [n]
  readonly busyEmbed: Float64Array; // [n]
  readonly busyHead: Float64Array; // [n]
  readonly transfer: Float64Array; // [n, n]
  readonly minEnd: Int32Array; // [n, L + 1]
  readonly reach: Int32Array; // [n, L + 1]
  readonly firstEnd: Int32Array; // [n]
  readonly lastStart: Int32Array; // [n]; L where d can never be last
  readonly single: Uint8Array; // [n]
  /** Must take part, with whatever layers. */
  readonly required: Uint8Array; // [n]
  /** Has exact layers. */
  readonly fixed: Uint8Array; // [n]
  readonly maxStages: number;
  readonly throughputWeight: number;
};

/** The arrays of `problem` for the members that may hold a layer. */
export function buildInstance(problem: Problem): Instance {
  const L = problem.model.layers.length;
  const usable: number[] = [];
  problem.members.forEach((member, index) => {
    if (member.excluded !== true) usable.push(index);
  });
  return withMembers(problem, Int32Array.from(usable), L);
}

function withMembers(problem: Problem, memberOf: Int32Array, L: number): Instance {
  const n = memberOf.length;
  const mix = mixOf(problem.objective);
  const linear = mix.latency + mix.prefill;
  const busyPrefix = new Float64Array(n * (L + 1));
  const prefix = new Float64Array(n * (L + 1));
  const layer = new Float64Array(n * L);
  const per = () => new Float64Array(n);
  const [stage, embed, head] = [per(), per(), per()];
  const [busyStage, busyEmbed, busyHead] = [per(), per(), per()];
  const required = new Uint8Array(n);
  const fixed = new Uint8Array(n);
  const loadMs = linear > 0 ? (problem.loadMsPerByte ?? 0) : 0;
  for (let d = 0; d < n; d++) {
    const member = memberAt(problem, memberOf, d);
    const prefill = member.prefillLayerMs ?? member.layerMs;
    for (let l = 0; l < L; l++) {
      const latencyMs = member.layerMs[l] ?? 0;
      const at = d * (L + 1) + l;
      const isHeld = member.held !== undefined && l >= member.held.first && l < member.held.end;
      const load = isHeld ? 0 : loadMs * (problem.model.layers[l]?.weightBytes ?? 0);
      busyPrefix[at + 1] = (busyPrefix[at] ?? 0) + latencyMs;
      const ms = mix.latency * latencyMs + mix.prefill * (prefill[l] ?? 0) + load;
      layer[d * L + l] = ms;
      prefix[at + 1] = (prefix[at] ?? 0) + ms;
    }
    stage[d] = linear * member.stageMs + (linear > 0 ? (member.penaltyMs ?? 0) : 0);
    embed[d] = linear * member.embedMs;
    head[d] = linear * member.headMs;
    busyStage[d] = member.stageMs;
    busyEmbed[d] = member.embedMs;
    busyHead[d] = member.headMs;
    required[d] = member.pinned === true ? 1 : 0;
    fixed[d] = typeof member.pinned === "object" ? 1 : 0;
  }
  return {
    problem,
    n,
    L,
    memberOf,
    prefix,
    layer,
    stage,
    embed,
    head,
    ...linkArrays(problem, memberOf),
    busyPrefix,
    busyStage,
    busyEmbed,
    busyHead,
    ...domains(problem, memberOf, L),
    required,
    fixed,
    maxStages: problem.maxStages ?? L,
    throughputWeight: mix.throughput,
  };
}

function memberAt(problem: Problem, memberOf: Int32Array, d: number): ProblemMember {
  const member = problem.members[memberOf[d] ?? -1];
  if (member === undefined) throw new Error(`instance names member ${d}, which is not there`);
  return member;
}

function linkArrays(problem: Problem, memberOf: Int32Array) {
  const n = memberOf.length;
  const mix = mixOf(problem.objective);
  const linear = mix.latency + mix.prefill;
  const { hiddenBytes, prefillTokens = 1 } = problem.model;
  const payload = hiddenBytes * (mix.latency + mix.prefill * prefillTokens);
  const hop = new Float64Array(n * n).fill(Infinity);
  const close = new Float64Array(n * n).fill(Infinity);
  const transfer = new Float64Array(n * n).fill(Infinity);
  const indexOf = new Map<string, number>();
  memberOf.forEach((member, d) => indexOf.set(problem.members[member]?.id ?? "", d));
  for (const link of problem.links) {
    const from = indexOf.get(link.from);
    const to = indexOf.get(link.to);
    if (from === undefined || to === undefined) continue;
    hop[from * n + to] = linear * link.latencyMs + payload / link.bytesPerMs;
    close[from * n + to] = linear * link.latencyMs;
    transfer[from * n + to] = hiddenBytes / link.bytesPerMs;
  }
  return { hop, close, transfer };
}

/** Which ranges each member can hold, from memory, bindings and pins. */
function domains(problem: Problem, memberOf: Int32Array, L: number) {
  const n = memberOf.length;
  const { model } = problem;
  const bytes = new Float64Array(L + 1);
  const binding = new Float64Array(L);
  model.layers.forEach((layer, l) => {
    bytes[l + 1] = (bytes[l] ?? 0) + layer.weightBytes + layer.kvBytes;
    binding[l] = layer.bindingBytes ?? layer.weightBytes;
  });
  const embedBinding = model.embedBindingBytes ?? model.embedBytes;
  const headBinding = model.headBindingBytes ?? model.headBytes;
  const bothBytes = model.tied
    ? Math.max(model.embedBytes, model.headBytes)
    : model.embedBytes + model.headBytes;
  const owner = pinnedLayers(problem, memberOf, L);
  const minEnd = new Int32Array(n * (L + 1));
  const reach = new Int32Array(n * (L + 1));
  const firstEnd = new Int32Array(n);
  const lastStart = new Int32Array(n).fill(L);
  const single = new Uint8Array(n);
  for (let d = 0; d < n; d++) {
    const member = memberAt(problem, memberOf, d);
    const room = member.memoryBytes;
    const most = member.maxBindingBytes ?? Infinity;
    const pin = typeof member.pinned === "object" ? member.pinned : null;
    const fits = (first: number, end: number, extra: number) =>
      spanBytes(bytes, first, end) + extra <= room;
    const allowed = (l: number) => (binding[l] ?? 0) <= most && (owner[l] === -1 || owner[l] === d);
    let end = 0;
    for (let l = 0; l < L; l++) {
      end = Math.max(end, l);
      while (end < L && allowed(end) && fits(l, end + 1, 0)) end++;
      const at = d * (L + 1) + l;
      minEnd[at] = l + 1;
      reach[at] = end;
      if (pin !== null) {
        const holds = l === pin.first && end >= pin.end;
        minEnd[at] = holds ? pin.end : l + 1;
        reach[at] = holds ? pin.end : l;
      }
    }
    minEnd[d * (L + 1) + L] = L + 1;
    reach[d * (L + 1) + L] = L;
    if (embedBinding <= most) {
      let first = reach[d * (L + 1)] ?? 0;
      while (first > 0 && !fits(0, first, model.embedBytes)) first--;
      firstEnd[d] = first >= (minEnd[d * (L + 1)] ?? 0) ? first : 0;
    }
    if (headBinding <= most) {
      for (let l = L - 1; l >= 0; l--) {
        if ((reach[d * (L + 1) + l] ?? 0) === L && fits(l, L, model.headBytes)) lastStart[d] = l;
        else if (pin === null) break;
      }
      single[d] = embedBinding <= most && reach[d * (L + 1)] === L && fits(0, L, bothBytes) ? 1 : 0;
    }
  }
  return { minEnd, reach, firstEnd, lastStart, single };
}

/** Bytes of the layers `[first, end)`, from the sums of bytes before each layer. */
function spanBytes(bytes: Float64Array, first: number, end: number): number {
  return (bytes[end] ?? 0) - (bytes[first] ?? 0);
}

/** Which member each layer is pinned to, or -1. */
function pinnedLayers(problem: Problem, memberOf: Int32Array, L: number): Int32Array {
  const owner = new Int32Array(L).fill(-1);
  problem.members.forEach(({ pinned }, index) => {
    if (typeof pinned === "object") owner.fill(memberOf.indexOf(index), pinned.first, pinned.end);
  });
  return owner;
}
