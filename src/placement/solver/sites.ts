/** Sites: members close to each other and far from the others, read off the links. */
import type { Instance } from "./instance.ts";

/** Links between sites are at least so many times as slow as those that join a site. */
const SITE_GAP = 2;

/** The members of each site; null where all are in one site, or nearly all in sites of their own. */
export function findSites(inst: Instance): number[][] | null {
  const { siteOf, count } = sitesOf(inst);
  if (count < 2 || count > inst.n / 2 + 1) return null;
  const sites: number[][] = Array.from({ length: count }, () => []);
  siteOf.forEach((site, d) => sites[site]!.push(d));
  return sites;
}

/** Members joined by links that are clearly faster than the others. */
function sitesOf({ n, close }: Instance): { siteOf: Int32Array; count: number } {
  const near = (d: number, e: number) => Math.min(close[d * n + e]!, close[e * n + d]!);
  // The tree of the fastest links that joins all members, link by link.
  const joins: { d: number; e: number; ms: number }[] = [];
  const inTree = new Uint8Array(n);
  const nearest = new Float64Array(n).fill(Infinity);
  const via = new Int32Array(n);
  for (let step = 0, d = 0; step < n; step++) {
    inTree[d] = 1;
    let next = -1;
    for (let e = 0; e < n; e++) {
      if (inTree[e] === 1) continue;
      if (near(d, e) < nearest[e]!) {
        nearest[e] = near(d, e);
        via[e] = d;
      }
      if (next < 0 || nearest[e]! < nearest[next]!) next = e;
    }
    if (next >= 0) joins.push({ d: via[next]!, e: next, ms: nearest[next]! });
    d = next;
  }
  joins.sort((a, b) => a.ms - b.ms);
  let cut = joins.length;
  let widest = SITE_GAP;
  for (let i = 1; i < joins.length; i++) {
    const ratio = joins[i]!.ms / Math.max(1e-9, joins[i - 1]!.ms);
    if (i >= (n >> 1) - 1 && ratio > widest) [widest, cut] = [ratio, i];
  }
  const root = Int32Array.from({ length: n }, (_, d) => d);
  const find = (d: number): number => (root[d] === d ? d : find(root[d]!));
  for (const { d, e } of joins.slice(0, cut)) root[find(d)] = find(e);
  const numberOf = new Map<number, number>();
  const siteOf = Int32Array.from({ length: n }, (_, d) => {
    const top = find(d);
    if (!numberOf.has(top)) numberOf.set(top, numberOf.size);
    return numberOf.get(top)!;
  });
  return { siteOf, count: numberOf.size };
}
