/** The budget of each round of the exact search; found by measurement (`docs/experiments.md`). */

export type Round = {
  /** Labels kept per level. */
  readonly width: number;
  /** Members that a relaxed path remembers at each member of a site; see `neighborhoods.ts`. */
  readonly neighbors: number;
  /** Ascent steps for each branch. */
  readonly steps: number;
};

/** The first round only looks for plans: few labels, and the multipliers as they are. */
const FIRST_WIDTH = 8;

/**
 * In a room with several sites, relaxed paths would go back and forth between the members of a
 * site: they must remember some of them from the start.
 */
export const IN_SITES: readonly Round[] = [
  { width: FIRST_WIDTH, neighbors: 4, steps: 0 },
  { width: 256, neighbors: 4, steps: 60 },
  { width: 4096, neighbors: 5, steps: 60 },
  { width: 32_768, neighbors: 6, steps: 90 },
  { width: 262_144, neighbors: 7, steps: 90 },
  { width: Infinity, neighbors: 8, steps: 90 },
];

/** Elsewhere, each first member is a branch of its own, and its multipliers close most gaps. */
export const WITHOUT_SITES: readonly Round[] = [
  { width: FIRST_WIDTH, neighbors: 0, steps: 0 },
  { width: 32, neighbors: 0, steps: 8 },
  { width: 256, neighbors: 0, steps: 8 },
  { width: 2048, neighbors: 0, steps: 12 },
  { width: 16_384, neighbors: 0, steps: 60 },
  { width: 131_072, neighbors: 0, steps: 90 },
  { width: Infinity, neighbors: 0, steps: 90 },
];
