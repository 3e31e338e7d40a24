/** How much each round of a search may cost; found by measurement (`docs/experiments.md`). */

/** Labels a level, states of all members together, and steps of each branch's prices. */
export type Round = { readonly width: number; readonly states: number; readonly steps: number };

/** The first round only looks for plans: so many labels, and the prices as they are. */
const SCOUTING = 8;
/**
 * Where members are close to some and far from others: a site's first members share
 * prices, and paths must remember much from the start.
 */
export const IN_SITES: readonly Round[] = [
  { width: SCOUTING, states: 0, steps: 0 },
  { width: 256, states: 200, steps: 60 },
  { width: 4096, states: 1000, steps: 60 },
  { width: 32_768, states: 4000, steps: 90 },
  { width: 262_144, states: 10_000, steps: 90 },
  { width: Infinity, states: 30_000, steps: 90 },
];
/** Elsewhere each first member is alone, and its prices close most gaps: memory comes late. */
export const WITHOUT_SITES: readonly Round[] = [
  { width: SCOUTING, states: 0, steps: 0 },
  { width: 32, states: 0, steps: 8 },
  { width: 256, states: 0, steps: 8 },
  { width: 2048, states: 300, steps: 12 },
  { width: 16_384, states: 2000, steps: 60 },
  { width: 131_072, states: 10_000, steps: 90 },
  { width: Infinity, states: 30_000, steps: 90 },
];
