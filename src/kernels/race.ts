/**
 * The rules by which variants of one kind of work are timed against each other: the first guess
 * first, then the others while there is time, and again those that came close, all kinds of work
 * in turns. Knows nothing of what is timed.
 */
import type { TuneClock } from "./tune-clock.ts";

/** What a race is run on. */
export type RaceBench<Variant> = {
  /** Milliseconds of the work, or why the variant cannot be used. May stop when it is over `hopelessMs`. */
  measure(variant: Variant, hopelessMs: number): Promise<number | string>;
  /** The same once more, of a variant that was measured. */
  timeAgain(variant: Variant): Promise<number>;
  destroy(): void;
};

/** Timings as they are taken, and what takes them. */
export type Race<Variant> = {
  readonly first: Variant;
  /** Those that agreed, fastest first. */
  readonly timings: { readonly variant: Variant; ms: number }[];
  /** Why the others cannot be used. */
  readonly refused: string[];
  /** Both of them. */
  readonly tried: Set<Variant>;
  bench: RaceBench<Variant> | null;
};

export const newRace = <Variant>(first: Variant): Race<Variant> => ({
  first,
  timings: [],
  refused: [],
  tried: new Set(),
  bench: null,
});

/** Of a budget; the rest times the best again. */
export const FIRST_SHARE = 0.8;
const ROUNDS = 3;
/** A candidate that is this much slower than the best is not given another chance. */
const CLOSE = 2.5;
/** At first more: a busy moment of the machine can make the best look so slow. */
const CLOSE_AT_FIRST = 20;

/** Runs the first guess and then the other candidates, until the clock says so. */
export async function runRace<Variant>(
  race: Race<Variant>,
  bench: RaceBench<Variant>,
  others: readonly Variant[],
  until: number,
  clock: TuneClock,
): Promise<void> {
  race.bench = bench;
  let lastMs = 0;
  for (const variant of [race.first, ...others]) {
    // A candidate takes about as long as the one before, most of it compiling.
    const start = clock.now();
    if (start + lastMs >= until) break;
    const measured = await bench.measure(variant, (race.timings[0]?.ms ?? Infinity) * CLOSE);
    if (typeof measured === "string") race.refused.push(measured);
    else race.timings.push({ variant, ms: measured });
    race.tried.add(variant);
    fastestFirst(race);
    lastMs = clock.now() - start;
  }
}

/**
 * Times what came close again, all races in turns: other work on the machine may have disturbed
 * one of them.
 */
export async function raceAgain(
  races: readonly Race<unknown>[],
  until: number,
  clock: TuneClock,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const close = round === 0 ? CLOSE_AT_FIRST : CLOSE;
    for (const race of races) {
      if (clock.now() >= until) return;
      const most = (race.timings[0]?.ms ?? 0) * close;
      for (const timing of race.timings.filter(({ ms }) => ms <= most)) {
        timing.ms = Math.min(timing.ms, await race.bench!.timeAgain(timing.variant));
      }
      fastestFirst(race);
    }
  }
}

const fastestFirst = <Variant>({ timings }: Race<Variant>) => timings.sort((a, b) => a.ms - b.ms);

/** For people: the winner, with its result, and how fast the others are beside it. */
export function raceLine(
  result: string,
  entrants: readonly { readonly name: string; readonly speed: number }[], // fastest first
): string {
  const [best, ...others] = entrants;
  const rest = others.map(({ name, speed }) => `${name} ${(speed / best!.speed).toFixed(2)}`);
  return `${best!.name} ${result}${rest.length > 0 ? `; ${rest.join(", ")}` : ""}`;
}
