/** How long a room is disturbed, in virtual time. */
import { expect, test } from "vitest";
import type { MemberPlan, Schedule } from "../../tools/simulation/schedule.ts";
import { simulate } from "../../tools/simulation/simulate.ts";

const plan = (joinsAtMs: number, computes: MemberPlan["computes"]): MemberPlan => ({
  computes,
  joinsAtMs,
  clockRate: 1,
  stepMs: 20,
});

const FAULT_MS = 10_000;

/** The first member coordinates; the two others hold the model. */
const schedule = (kind: "killed" | "power_lost", askedAtMs: number): Schedule => ({
  seed: 1,
  members: [plan(0, "no"), plan(1000, "half"), plan(2000, "half")],
  asks: [{ atMs: askedAtMs, member: 2, prompt: [1, 2, 3], tokens: 100, seed: 7 }],
  faults: [{ kind, atMs: FAULT_MS, member: 0, returnsAfterMs: null, keepsId: false }],
});

test.each(["killed", "power_lost"] as const)(
  "an answer does not pause for a second when a coordinator without layers is %s",
  async (kind) => {
    const { violations, longestPauseMs } = await simulate(schedule(kind, FAULT_MS - 200));
    expect(violations).toEqual([]);
    expect(longestPauseMs).toBeLessThan(1000);
  },
);

test.each(["killed", "power_lost"] as const)(
  "a room answers a new request within 5 s after its coordinator is %s",
  async (kind) => {
    const { violations, longestPauseMs } = await simulate(schedule(kind, FAULT_MS + 1));
    expect(violations).toEqual([]);
    expect(longestPauseMs).toBeLessThan(5000);
  },
);
