/** Schedules that once violated an invariant, exactly as the simulation found them. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Schedule } from "../../tools/simulation/schedule.ts";
import { simulate } from "../../tools/simulation/simulate.ts";

const read = (seed: number) =>
  JSON.parse(readFileSync(new URL(`schedules/${seed}.json`, import.meta.url), "utf8")) as Schedule;

test.each([
  ["two members that led before they met had opened the same epoch", 101_282],
  [
    "a senior member without the last events was elected, and a shard that had loaded was not",
    200_737,
  ],
  ["the token after a resumed prompt overtook what the next stage lacked", 12],
  ["two coordinators forgot each other before the partition ended", 6721],
  ["a coordinator that woke up asked only later for those that it had lost", 12_646],
  ["a coordinator asked over a connection that the other tab no longer had", 14_425],
  [
    "a look-up that waited for a lost holder of the room's name kept the next from being found",
    17_178,
  ],
  ["an answer failed because its prompt was late after its tab had been frozen", 11_828],
  ["a placement that had failed was not tried again when the missing member came back", 17_324],
  ["layers whose members did not reach each other without the server were not placed again", 7959],
])("%s: seed %i", async (_what, seed) => {
  expect((await simulate(read(seed))).violations).toEqual([]);
});
