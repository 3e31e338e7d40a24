/** Faults that rooms did not survive: a coordinator that loses power, is frozen, or is cut off. */
import { expect, test } from "vitest";
import type { Fault, MemberPlan, Schedule } from "../../tools/simulation/schedule.ts";
import { simulate } from "../../tools/simulation/simulate.ts";

const plan = (joinsAtMs: number, computes: MemberPlan["computes"]): MemberPlan => ({
  computes,
  joinsAtMs,
  clockRate: 1,
  stepMs: 2,
});

/** The first member coordinates; the two others hold the model. */
function schedule(fault: Fault, askedAtMs: number): Schedule {
  return {
    seed: 1,
    members: [plan(0, "no"), plan(1000, "half"), plan(2000, "half")],
    asks: [{ atMs: askedAtMs, member: 2, prompt: [1, 2, 3], tokens: 20, seed: 7 }],
    faults: [fault],
  };
}

test.each<[string, Fault, number]>([
  [
    "loses power: the server holds its name for 90 s, and the others continue",
    { kind: "power_lost", atMs: 10_000, member: 0, returnsAfterMs: null, keepsId: false },
    30_000,
  ],
  [
    "is frozen for 40 s: it follows the new one afterwards",
    { kind: "frozen", atMs: 10_000, member: 0, forMs: 40_000 },
    60_000,
  ],
  [
    "is cut off from the others: the side that holds the model continues",
    { kind: "partition", atMs: 10_000, side: [0], withServer: true, forMs: 60_000 },
    40_000,
  ],
  [
    "is cut off from the others and the server for longer than 45 s: it comes back",
    { kind: "partition", atMs: 10_000, side: [0], withServer: false, forMs: 100_000 },
    40_000,
  ],
])("a coordinator that %s", async (_what, fault, askedAtMs) => {
  const { violations, answers } = await simulate(schedule(fault, askedAtMs));
  expect(violations).toEqual([]);
  expect(answers).toMatchObject({ finished: 1, failed: 0, interrupted: 0 });
});
