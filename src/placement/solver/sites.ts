/** Sites: groups of members that are close to each other and far from the others, by their links. */
import type { Instance } from "./instance.ts";

/** Links between sites are slower than those within a site by at least this factor. */
const SITE_GAP = 2;

/** The members of each site; null if there is one site, or if most sites have one member. */
export function findSites(inst: Instance): number[][] | null {
  const { siteOf, count } = sitesOf(inst);
  if (count < 2 || count > inst.memberCount / 2 + 1) return null;
  const sites: number[][] = Array.from({ length: count }, () => []);
  siteOf.forEach((site, member) => sites[site]!.push(member));
  return sites;
}

/** Groups of members joined by links that are clearly faster than the others. */
function sitesOf({ memberCount, close }: Instance): { siteOf: Int32Array; count: number } {
  const near = (member: number, other: number) =>
    Math.min(close[member * memberCount + other]!, close[other * memberCount + member]!);
  // The minimum spanning tree (Prim), edge by edge.
  const joins: { from: number; to: number; ms: number }[] = [];
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
  const root = Int32Array.from({ length: memberCount }, (_, member) => member);
  const find = (member: number): number => (root[member] === member ? member : find(root[member]!));
  for (const { from, to } of joins.slice(0, splitAt)) root[find(from)] = find(to);
  const numberOf = new Map<number, number>();
  const siteOf = Int32Array.from({ length: memberCount }, (_, member) => {
    const top = find(member);
    if (!numberOf.has(top)) numberOf.set(top, numberOf.size);
    return numberOf.get(top)!;
  });
  return { siteOf, count: numberOf.size };
}
