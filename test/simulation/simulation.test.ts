/**
 * Rooms in virtual time against random faults; `npm run simulate` runs thousands. Each schedule
 * depends on nothing but its seed, so a failure here repeats.
 */
import { describe, expect, test } from "vitest";
import { exploreCrashes } from "../../tools/simulation/exhaustive.ts";
import { scheduleOf, type FaultKind } from "../../tools/simulation/schedule.ts";
import { shrink } from "../../tools/simulation/shrink.ts";
import { simulate } from "../../tools/simulation/simulate.ts";
import type { Invariant } from "../../tools/simulation/invariants.ts";
import type { PlantedBug } from "../../tools/simulation/simulated-room.ts";

const SCHEDULES = 20;

test(`${SCHEDULES} schedules of all faults violate nothing`, async () => {
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const { violations } = await simulate(scheduleOf(seed));
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
});

test("a coordinator of three crashes before each message that arrives, and the room continues", async () => {
  const { points, failures } = await exploreCrashes(0, [0]);
  expect(points).toBeGreaterThan(30);
  expect(failures).toEqual([]);
});

test("a seed gives the same run again", async () => {
  const traces: string[][] = [[], []];
  for (const lines of traces) {
    await simulate(scheduleOf(7), { trace: (line) => lines.push(line) });
  }
  expect(traces[0]!.length).toBeGreaterThan(50);
  expect(traces[1]).toEqual(traces[0]);
});

describe("a planted bug is found, and its schedule is shrunk", () => {
  const bugs: readonly [PlantedBug, FaultKind, Invariant][] = [
    ["deaf_coordinator", "partition", "short_overlap"],
    ["old_rows", "renamed", "right_tokens"],
    ["forgotten_epoch", "left", "one_coordinator"],
  ];
  test.each(bugs)("%s", async (bug, kind, invariant) => {
    const failing = async (seed: number) => {
      const { violations } = await simulate(scheduleOf(seed, [kind]), { bug });
      return violations.some((violation) => violation.invariant === invariant);
    };
    let seed = 1;
    while (!(await failing(seed))) seed += 1;
    const found = scheduleOf(seed, [kind]);
    const smallest = await shrink(found, bug);
    expect(smallest.faults.length).toBeLessThanOrEqual(1);
    expect(smallest.asks.length).toBeLessThanOrEqual(found.asks.length);
    const { violations } = await simulate(smallest, { bug });
    expect(violations.map((violation) => violation.invariant)).toContain(invariant);
    expect((await simulate(smallest)).violations).toEqual([]);
  });
});
