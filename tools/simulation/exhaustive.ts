/**
 * Three members in every order of messages within a bound, with one crash at each point.
 *
 *   point    before the n-th message that arrives anywhere from `FROM_MS` to `UNTIL_MS`, one of the three is gone
 *   order    a message may overtake one of another channel that would arrive at the same member up to 20 ms
 *            earlier; at most `overtakes` do so in one run, wherever they can
 *
 * Only the order at one member is varied: messages that arrive at different members change nothing of each
 * other (partial-order reduction). Timers keep their times. With `overtakes` bounded by 2, this is delay
 * bounding (Emmi, Qadeer, Rakamaric, POPL 2011): most bugs of order need few delays.
 */
import type { Violation } from "./invariants.ts";
import type { MemberPlan, Schedule } from "./schedule.ts";
import { simulate } from "./simulate.ts";

/** By overtaking message: which of the alternatives, from 1, at which arrival. */
type Choices = ReadonlyMap<number, number>;

export type CrashRun = {
  /** The member that crashes before this arrival, counted from 0; null for none. */
  readonly crash: { readonly member: number; readonly arrival: number } | null;
  readonly choices: Choices;
};
export type CrashFailure = {
  readonly crash: CrashRun["crash"];
  readonly choices: readonly (readonly [number, number])[];
  readonly violations: readonly Violation[];
};

/** The members have joined, the model is placed, and an answer and two commands begin. */
const FROM_MS = 7990;
const UNTIL_MS = 8300;
/** Messages of elections arrive later, when the loss is noticed. */
const CHOOSE_UNTIL_MS = 30_000;

const plan = (joinsAtMs: number, computes: MemberPlan["computes"]): MemberPlan => ({
  computes,
  joinsAtMs,
  clockRate: 1,
  stepMs: 2,
});

/** The first member coordinates; the others hold the model. */
const SCHEDULE: Schedule = {
  seed: 1,
  members: [plan(0, "no"), plan(1000, "half"), plan(2000, "half")],
  asks: [{ atMs: 8000, member: 2, prompt: [1, 2, 3], tokens: 4, seed: 7 }],
  faults: [
    { kind: "renamed", atMs: 8000, member: 1 },
    { kind: "renamed", atMs: 8000, member: 2 },
  ],
};

export async function exploreCrashes(overtakes: number, members = [0, 1, 2]) {
  const undisturbed = await runOnce({ crash: null, choices: new Map() });
  const failures: CrashFailure[] = [];
  let runs = 0;
  let points = 0;
  for (const member of members) {
    for (let arrival = 0; arrival <= undisturbed.points; arrival += 1) {
      points += 1;
      const pending: Choices[] = [new Map()];
      for (let choices = pending.pop(); choices; choices = pending.pop()) {
        const crash = { member, arrival };
        const { violations, alternatives } = await runOnce({ crash, choices });
        runs += 1;
        if (violations.length > 0) failures.push({ crash, choices: [...choices], violations });
        if (choices.size >= overtakes) continue;
        // Each set of overtakes once: in the order in which they happen.
        const next = Math.max(-1, ...choices.keys()) + 1;
        for (const [at, count] of alternatives) {
          if (at < next) continue;
          for (let choice = 1; choice <= count; choice += 1) {
            pending.push(new Map([...choices, [at, choice]]));
          }
        }
      }
    }
  }
  return { runs, points, failures };
}

/** `alternatives`: at which arrivals how many messages could have overtaken. */
async function runOnce({ crash, choices }: CrashRun) {
  const alternatives = new Map<number, number>();
  let arrival = 0;
  let points = 0;
  const { violations } = await simulate(SCHEDULE, {
    choose: (count, kill, nowMs) => {
      if (nowMs < FROM_MS || nowMs > CHOOSE_UNTIL_MS) return 0;
      const at = arrival++;
      if (nowMs < UNTIL_MS) points = arrival;
      if (at === crash?.arrival) kill(crash.member);
      if (count > 0) alternatives.set(at, count);
      return choices.get(at) ?? 0;
    },
  });
  return { violations, alternatives, points };
}
