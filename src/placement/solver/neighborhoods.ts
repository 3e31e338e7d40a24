/** Who is remembered where: at first the dearest of one's own site, then what paths repeat. */
import type { Instance } from "./instance.ts";
import { stateCount, type NearSets } from "./path-states.ts";

/** Nobody is remembered anywhere. */
export function noneNear({ n }: Instance): NearSets {
  return Array.from({ length: n }, () => []);
}

/** At each member the dearest of its own site, so many of them. */
export function nearInSites(
  inst: Instance,
  sites: readonly (readonly number[])[],
  price: Float64Array,
  most: number,
): NearSets {
  const near: number[][] = Array.from({ length: inst.n }, () => []);
  for (const members of sites) {
    const dearest = [...members].sort((a, b) => price[b]! - price[a]! || a - b);
    for (const d of members) near[d] = dearest.filter((e) => e !== d).slice(0, most);
  }
  return near;
}

/** A relaxed path and how much the bound leans on it. */
export type Weighted = { readonly path: readonly number[]; readonly weight: number };

/** States grow at most by this factor at a time: prices then change, and paths with them. */
const GROWTH = 1.5;

/**
 * Larger sets that forbid round trips of the paths, first those on which the bound
 * leans most for each state that they cost; null where `mostStates` allow none. A
 * round trip from a member back to itself is forbidden when all on the way remember it.
 */
export function forbidRepeats(
  near: NearSets,
  paths: readonly Weighted[],
  mostStates: number,
): NearSets | null {
  const trips = new Map<string, { member: number; way: number[]; weight: number }>();
  for (const { path, weight } of paths)
    for (const [member, ...steps] of roundTrips(path)) {
      const way = [...new Set(steps)].sort((a, b) => a - b);
      const key = `${member} ${way.join()}`;
      const trip = trips.get(key);
      if (trip === undefined) trips.set(key, { member: member!, way, weight });
      else trip.weight += weight;
    }
  const extra = (sets: NearSets, member: number, way: readonly number[]) =>
    way.reduce((sum, d) => sum + (sets[d]!.includes(member) ? 0 : 2 ** sets[d]!.length), 0);
  const ranked = [...trips.values()]
    .map((trip) => ({ ...trip, worth: trip.weight / (1 + extra(near, trip.member, trip.way)) }))
    .sort((a, b) => b.worth - a.worth);
  const before = stateCount(near);
  const most = Math.min(mostStates, GROWTH * before + near.length);
  let sets = near;
  let states = before;
  for (const { member, way } of ranked) {
    const more = extra(sets, member, way);
    if (more === 0 || states + more > most) continue;
    states += more;
    sets = sets.map((set, d) =>
      way.includes(d) && !set.includes(member) ? [...set, member] : set,
    );
  }
  return states > before ? sets : null;
}

/** Each member that comes again, with those between its two visits. */
function roundTrips(path: readonly number[]): number[][] {
  const trips: number[][] = [];
  const lastAt = new Map<number, number>();
  path.forEach((member, at) => {
    const before = lastAt.get(member);
    if (before !== undefined) trips.push(path.slice(before, at));
    lastAt.set(member, at);
  });
  return trips;
}

/** Whether what is remembered along `path` refuses none of its steps. */
export function isAllowed(near: NearSets, path: readonly number[]): boolean {
  let remembered: number[] = [];
  return path.every((d, at) => {
    if (remembered.includes(d)) return false;
    const visited = at > 0 ? [...remembered, path[at - 1]!] : [];
    remembered = visited.filter((member) => near[d]!.includes(member));
    return true;
  });
}
