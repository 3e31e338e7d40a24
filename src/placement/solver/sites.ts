/**
 * Sites: groups of members that are close to each other and far from the others, by their links. Relaxed
 * paths would go back and forth between the members of a site, so they remember some of them: see
 * `path-states.ts`.
 */
import type { Instance } from "./instance.ts";
import type { Neighborhoods } from "./path-states.ts";

/** Links between sites are slower than those within a site by at least this factor. */
const SITE_GAP = 2;

/** The members of each site; none if there is one site, or if most sites have one member. */
export function findSites(inst: Instance): number[][] {
  const { memberCount } = inst;
  const siteOf = Array.from({ length: memberCount }, (_, member) => member);
  for (const { from, to } of fastJoins(inst)) {
    const [site, joined] = [siteOf[from]!, siteOf[to]!];
    for (let member = 0; member < memberCount; member++)
      if (siteOf[member] === joined) siteOf[member] = site;
  }
  const sites = new Map<number, number[]>();
  siteOf.forEach((site, member) => sites.set(site, [...(sites.get(site) ?? []), member]));
  return sites.size < 2 || sites.size > memberCount / 2 + 1 ? [] : [...sites.values()];
}

const MAX_NEIGHBORS = 8;
/** A table of the relaxation has no more numbers than this. */
const MAX_CELLS = 1e6;

/** The largest size of neighborhoods: each member doubles the states of its neighbors. */
export function maxNeighbors({ memberCount, layerCount }: Instance): number {
  const states = MAX_CELLS / (memberCount + layerCount);
  return Math.min(MAX_NEIGHBORS, Math.floor(Math.log2(states / memberCount)));
}

/** At each member, the `size` members of its own site with the highest multipliers. */
export function siteNeighborhoods(
  inst: Instance,
  sites: readonly (readonly number[])[],
  multiplier: Float64Array, // [members]
  size: number,
): Neighborhoods {
  const neighborhoods: number[][] = Array.from({ length: inst.memberCount }, () => []);
  for (const members of sites) {
    const sorted = [...members].sort(
      (left, right) => multiplier[right]! - multiplier[left]! || left - right,
    );
    for (const member of members)
      neighborhoods[member] = sorted.filter((next) => next !== member).slice(0, size);
  }
  return neighborhoods;
}

type Join = { readonly from: number; readonly to: number; readonly ms: number };

/** The edges of the minimum spanning tree that are clearly faster than its others. */
function fastJoins({ memberCount, close }: Instance): Join[] {
  const near = (member: number, other: number) =>
    Math.min(close[member * memberCount + other]!, close[other * memberCount + member]!);
  // Prim's algorithm, edge by edge.
  const joins: Join[] = [];
  const inTree = new Uint8Array(memberCount);
  const nearest = new Float64Array(memberCount).fill(Infinity);
  const via = new Int32Array(memberCount);
  for (let step = 0, member = 0; step < memberCount; step++) {
    inTree[member] = 1;
    let next = -1;
    for (let other = 0; other < memberCount; other++) {
      if (inTree[other] === 1) continue;
      if (near(member, other) < nearest[other]!) {
        nearest[other] = near(member, other);
        via[other] = member;
      }
      if (next < 0 || nearest[other]! < nearest[next]!) next = other;
    }
    if (next >= 0) joins.push({ from: via[next]!, to: next, ms: nearest[next]! });
    member = next;
  }
  joins.sort((left, right) => left.ms - right.ms);
  let splitAt = joins.length;
  let widest = SITE_GAP;
  for (let at = 1; at < joins.length; at++) {
    const ratio = joins[at]!.ms / Math.max(1e-9, joins[at - 1]!.ms);
    if (at >= (memberCount >> 1) - 1 && ratio > widest) [widest, splitAt] = [ratio, at];
  }
  return joins.slice(0, splitAt);
}
