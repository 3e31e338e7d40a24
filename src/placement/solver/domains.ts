/**
 * Which layers each member can hold: memory, bindings, limits, and pins as ranges.
 *
 *   a shard of member m that starts at layer l ends at most at reach[m, l];
 *   as first stage it ends by firstEnd[m]; as last stage it starts at or after lastStart[m];
 *   single[m] says that m can run all layers
 *
 * Layers that a member is pinned to are in no other's domain, and its domain has no others: with at most
 * one stage, it can only run them all.
 */
import type { Problem, ProblemMember } from "../problem/problem.ts";

export type Domains = {
  readonly reach: Int32Array; // [members, layers + 1]; the start itself where no shard can start
  readonly firstEnd: Int32Array; // [members]; 0 where the member can never be first
  readonly lastStart: Int32Array; // [members]; the number of layers where it can never be last
  readonly single: Uint8Array; // [members]
};

export function buildDomains(model: Problem["model"], members: readonly ProblemMember[]): Domains {
  const layerCount = model.layers.length;
  const width = layerCount + 1;
  const bytesBefore = new Float64Array(width);
  model.layers.forEach(({ weightBytes, kvBytes }, layer) => {
    bytesBefore[layer + 1] = bytesBefore[layer]! + weightBytes + kvBytes;
  });
  const embedBinding = model.embedBindingBytes ?? model.embedBytes;
  const headBinding = model.headBindingBytes ?? model.headBytes;
  const bothBytes = model.tied
    ? Math.max(model.embedBytes, model.headBytes)
    : model.embedBytes + model.headBytes;
  const owner = pinnedLayers(members, layerCount);
  const reach = new Int32Array(members.length * width);
  const firstEnd = new Int32Array(members.length);
  const lastStart = new Int32Array(members.length).fill(layerCount);
  const single = new Uint8Array(members.length);
  members.forEach((each, member) => {
    const { memoryBytes, maxBindingBytes = Infinity, maxLayers = Infinity, pinned } = each;
    const row = member * width;
    const pin = typeof pinned === "object" ? pinned : null;
    const fits = (first: number, end: number, extra: number) =>
      end - first <= maxLayers && bytesBefore[end]! - bytesBefore[first]! + extra <= memoryBytes;
    const isUnfit = pin !== null && !fits(pin.first, pin.end, 0);
    const isAllowed = (layer: number) => {
      const { bindingBytes, weightBytes } = model.layers[layer]!;
      if (isUnfit || (bindingBytes ?? weightBytes) > maxBindingBytes) return false;
      return owner[layer] === (pin === null ? -1 : member);
    };
    let end = 0;
    for (let start = 0; start < layerCount; start++) {
      end = Math.max(end, start);
      while (end < layerCount && isAllowed(end) && fits(start, end + 1, 0)) end++;
      reach[row + start] = end;
    }
    reach[row + layerCount] = layerCount;
    if (embedBinding <= maxBindingBytes) {
      let first = reach[row]!;
      while (first > 0 && !fits(0, first, model.embedBytes)) first--;
      firstEnd[member] = first;
    }
    if (headBinding > maxBindingBytes) return;
    for (let start = layerCount - 1; start >= 0; start--) {
      if (reach[row + start]! < layerCount || !fits(start, layerCount, model.headBytes)) break;
      lastStart[member] = start;
    }
    const holdsAll = reach[row] === layerCount && fits(0, layerCount, bothBytes);
    single[member] = embedBinding <= maxBindingBytes && holdsAll ? 1 : 0;
  });
  return { reach, firstEnd, lastStart, single };
}

/** The largest number of layers that each member can hold in one shard. */
export function largestShards({ reach, firstEnd }: Domains): Float64Array {
  const largest = new Float64Array(firstEnd.length); // [members]
  const width = reach.length / largest.length;
  reach.forEach((end, index) => {
    const member = Math.floor(index / width);
    largest[member] = Math.max(largest[member]!, end - (index % width));
  });
  return largest;
}

/** The member that each layer is pinned to, or -1. */
function pinnedLayers(members: readonly ProblemMember[], layerCount: number): Int32Array {
  const owner = new Int32Array(layerCount).fill(-1);
  members.forEach(({ pinned }, member) => {
    if (typeof pinned === "object") owner.fill(member, pinned.first, pinned.end);
  });
  return owner;
}
