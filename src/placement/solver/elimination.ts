/**
 * Fewer members: those whose cheapest pipeline already costs more than the best
 * known leave the instance, and every table gets smaller.
 */
import type { Instance } from "./instance.ts";
import { type Prices, refund } from "./multipliers.ts";
import type { Relaxation } from "./relaxation.ts";

/**
 * The least bound of any pipeline in which each member takes part, by the
 * relaxation's filled tables; the first member is free.
 */
export function boundThrough(relaxation: Relaxation, prices: Prices): Float64Array {
  const { inst, value, fromFirst } = relaxation;
  const { n, L, prefix, hop } = inst;
  const least = new Float64Array(n);
  const ended = Array.from({ length: n }, () => new Float64Array(L + 1).fill(Infinity));
  for (let d = 0; d < n; d++) {
    least[d] = fromFirst[d]! + prices.rent[d]!;
    const base = inst.stage[d]! + inst.embed[d]! + prices.paid[d]! + prices.rent[d]!;
    const row = d * (L + 1);
    for (let e = inst.minEnd[row]!; e <= Math.min(inst.firstEnd[d]!, L - 1); e++)
      ended[d]![e] = base + prefix[row + e]!;
  }
  // arrive[e][l]: the least cost with e about to run layer l.
  const arrive = Array.from({ length: n }, () => new Float64Array(L + 1).fill(Infinity));
  const starts = new Int32Array(n);
  for (let l = 1; l < L; l++) {
    for (let e = 0; e < n; e++) {
      let best = Infinity;
      for (let d = 0; d < n; d++) {
        const total = ended[d]![l]! + hop[d * n + e]!;
        if (total < best) best = total;
      }
      arrive[e]![l] = best;
      least[e] = Math.min(least[e]!, best + value[l * n + e]!);
    }
    extendTo(inst, l + 1, arrive, ended, prices, starts);
  }
  const back = refund(inst, prices);
  for (let d = 0; d < n; d++) least[d] = least[d]! - back;
  return least;
}

/** Ends at layer `end` that came from arrivals before it; `starts` only move forward. */
function extendTo(
  inst: Instance,
  end: number,
  arrive: Float64Array[],
  ended: Float64Array[],
  prices: Prices,
  starts: Int32Array,
): void {
  const { n, L, prefix, reach, minEnd } = inst;
  for (let d = 0; d < n; d++) {
    const row = d * (L + 1);
    while (starts[d]! < end - 1 && reach[row + starts[d]!]! < end) starts[d]!++;
    const came = arrive[d]!;
    let best = Infinity;
    for (let s = inst.fixed[d] === 1 ? 0 : starts[d]!; s < end; s++) {
      if (reach[row + s]! < end || minEnd[row + s]! > end) continue;
      const total = came[s]! - prefix[row + s]!;
      if (total < best) best = total;
    }
    const total = best + prefix[row + end]! + inst.stage[d]! + prices.paid[d]!;
    if (total < ended[d]![end]!) ended[d]![end] = total;
  }
}

/** `inst` with only the members of `keep`, in their order. */
export function restrict(inst: Instance, keep: readonly number[]): Instance {
  const width = inst.L + 1;
  const ofMember = <T extends Float64Array | Int32Array | Uint8Array>(
    all: T,
    make: (n: number) => T,
  ): T => {
    const some = make(keep.length);
    keep.forEach((d, index) => (some[index] = all[d]!));
    return some;
  };
  const numbers = (all: Float64Array) => ofMember(all, (n) => new Float64Array(n));
  const words = (all: Int32Array) => ofMember(all, (n) => new Int32Array(n));
  const flags = (all: Uint8Array) => ofMember(all, (n) => new Uint8Array(n));
  const rows = (all: Float64Array, length: number) => {
    const some = new Float64Array(keep.length * length);
    keep.forEach((d, index) =>
      some.set(all.subarray(d * length, (d + 1) * length), index * length),
    );
    return some;
  };
  const wordRows = (all: Int32Array) => {
    const some = new Int32Array(keep.length * width);
    keep.forEach((d, index) => some.set(all.subarray(d * width, (d + 1) * width), index * width));
    return some;
  };
  const pairs = (all: Float64Array) => {
    const some = new Float64Array(keep.length * keep.length);
    keep.forEach((d, i) =>
      keep.forEach((e, j) => (some[i * keep.length + j] = all[d * inst.n + e]!)),
    );
    return some;
  };
  return {
    ...inst,
    n: keep.length,
    memberOf: words(inst.memberOf),
    prefix: rows(inst.prefix, width),
    layer: rows(inst.layer, inst.L),
    stage: numbers(inst.stage),
    embed: numbers(inst.embed),
    head: numbers(inst.head),
    hop: pairs(inst.hop),
    close: pairs(inst.close),
    busyPrefix: rows(inst.busyPrefix, width),
    busyStage: numbers(inst.busyStage),
    busyEmbed: numbers(inst.busyEmbed),
    busyHead: numbers(inst.busyHead),
    transfer: pairs(inst.transfer),
    minEnd: wordRows(inst.minEnd),
    reach: wordRows(inst.reach),
    firstEnd: words(inst.firstEnd),
    lastStart: words(inst.lastStart),
    single: flags(inst.single),
    required: flags(inst.required),
    fixed: flags(inst.fixed),
  };
}
