/**
 * Elimination: members whose cheapest pipeline costs more than the incumbent leave the instance, so
 * that every table gets smaller.
 */
import type { Instance } from "./instance.ts";
import { type Multipliers, constantTerm } from "./multipliers.ts";
import type { Relaxation } from "./relaxation.ts";

/**
 * For each member, a lower bound on every pipeline that includes it, from the relaxation's filled
 * tables; any member may be first.
 */
export function boundThrough(relaxation: Relaxation, multipliers: Multipliers): Float64Array {
  const { inst, value, fromFirst } = relaxation;
  const { memberCount, layerCount, prefix, hop } = inst;
  const least = new Float64Array(memberCount);
  const ended = Array.from({ length: memberCount }, () =>
    new Float64Array(layerCount + 1).fill(Infinity),
  );
  for (let member = 0; member < memberCount; member++) {
    least[member] = fromFirst[member]! + multipliers.returnTo[member]!;
    const base =
      inst.stage[member]! +
      inst.embed[member]! +
      multipliers.charge[member]! +
      multipliers.returnTo[member]!;
    const row = member * (layerCount + 1);
    for (
      let end = inst.minEnd[row]!;
      end <= Math.min(inst.firstEnd[member]!, layerCount - 1);
      end++
    )
      ended[member]![end] = base + prefix[row + end]!;
  }
  // arrive[m][l]: the lowest cost at which member m is about to run layer l.
  const arrive = Array.from({ length: memberCount }, () =>
    new Float64Array(layerCount + 1).fill(Infinity),
  );
  const starts = new Int32Array(memberCount);
  for (let layer = 1; layer < layerCount; layer++) {
    for (let next = 0; next < memberCount; next++) {
      let best = Infinity;
      for (let index = 0; index < memberCount; index++) {
        const total = ended[index]![layer]! + hop[index * memberCount + next]!;
        if (total < best) best = total;
      }
      arrive[next]![layer] = best;
      least[next] = Math.min(least[next]!, best + value[layer * memberCount + next]!);
    }
    extendTo(inst, layer + 1, arrive, ended, multipliers, starts);
  }
  const back = constantTerm(inst, multipliers);
  for (let member = 0; member < memberCount; member++) least[member] = least[member]! - back;
  return least;
}

/** The lowest costs of stages that end at `end`; `starts` only move forward. */
function extendTo(
  inst: Instance,
  end: number,
  arrive: Float64Array[],
  ended: Float64Array[],
  multipliers: Multipliers,
  starts: Int32Array,
): void {
  const { memberCount, layerCount, prefix, reach, minEnd } = inst;
  for (let member = 0; member < memberCount; member++) {
    const row = member * (layerCount + 1);
    while (starts[member]! < end - 1 && reach[row + starts[member]!]! < end) starts[member]!++;
    const came = arrive[member]!;
    let best = Infinity;
    for (let start = inst.fixed[member] === 1 ? 0 : starts[member]!; start < end; start++) {
      if (reach[row + start]! < end || minEnd[row + start]! > end) continue;
      const total = came[start]! - prefix[row + start]!;
      if (total < best) best = total;
    }
    const total = best + prefix[row + end]! + inst.stage[member]! + multipliers.charge[member]!;
    if (total < ended[member]![end]!) ended[member]![end] = total;
  }
}

/** Tables with a row and a column for each member; the other arrays of an instance have only rows. */
const PAIRS: readonly string[] = ["hop", "close", "transfer"] satisfies (keyof Instance)[];

/** `inst` with only the members of `keep`, in that order. */
export function restrict(inst: Instance, keep: readonly number[]): Instance {
  const { memberCount } = inst;
  type Table = Float64Array | Int32Array | Uint8Array;
  /** The rows of the members that stay, whatever the length of a row. */
  const rows = (all: Table): Table => {
    const width = all.length / memberCount;
    const some = all.slice(0, keep.length * width);
    keep.forEach((member, index) =>
      some.set(all.subarray(member * width, (member + 1) * width), index * width),
    );
    return some;
  };
  const pairs = (all: Table): Table =>
    Float64Array.from(keep.flatMap((from) => keep.map((to) => all[from * memberCount + to]!)));
  const tables = Object.entries(inst).flatMap(([name, value]) =>
    ArrayBuffer.isView(value)
      ? [[name, (PAIRS.includes(name) ? pairs : rows)(value)] as const]
      : [],
  );
  return { ...inst, ...Object.fromEntries(tables), memberCount: keep.length };
}
