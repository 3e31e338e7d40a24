/** Makes a failing schedule smaller: drops faults, requests, and members one by one while it fails alike. */
import type { Schedule } from "./schedule.ts";
import type { Invariant } from "./invariants.ts";
import { simulate } from "./simulate.ts";
import type { PlantedBug } from "./simulated-room.ts";

export async function shrink(schedule: Schedule, bug: PlantedBug | null): Promise<Schedule> {
  const first = (await simulate(schedule, { bug })).violations[0]?.invariant;
  if (first === undefined) return schedule;
  let smallest = schedule;
  for (let found = true; found;) {
    found = false;
    for (const candidate of smaller(smallest)) {
      if (!(await failsAlike(candidate, bug, first))) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return smallest;
}

async function failsAlike(schedule: Schedule, bug: PlantedBug | null, invariant: Invariant) {
  const { violations } = await simulate(schedule, { bug });
  return violations.some((violation) => violation.invariant === invariant);
}

/** Each with one thing less. */
function* smaller(schedule: Schedule): Generator<Schedule> {
  const without = <T>(values: readonly T[], index: number) =>
    values.filter((_, at) => at !== index);
  for (let index = 0; index < schedule.faults.length; index += 1) {
    yield { ...schedule, faults: without(schedule.faults, index) };
  }
  for (let index = 0; index < schedule.asks.length; index += 1) {
    yield { ...schedule, asks: without(schedule.asks, index) };
  }
  // The last member only: faults and requests name members by their index.
  if (schedule.members.length > 1) yield { ...schedule, members: schedule.members.slice(0, -1) };
}
