/**
 * Runs rooms in virtual time against random faults: `npm run simulate`. A seed that fails is
 * printed with the schedule that is left after shrinking it; `-- --seed N` runs it again.
 */
import { parseArgs } from "node:util";
import { FAULT_KINDS, scheduleOf, type FaultKind } from "../tools/simulation/schedule.ts";
import { shrink } from "../tools/simulation/shrink.ts";
import { simulate } from "../tools/simulation/simulate.ts";

const MAX_FAILURES = 5;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    /** With a seed: prints what happens. */
    trace: { type: "boolean", default: false },
    /** The first seed of many. */
    from: { type: "string", default: "1" },
    schedules: { type: "string", default: "20000" },
    /** Only these kinds, with commas between them. */
    faults: { type: "string", default: FAULT_KINDS.join() },
  },
});
const kinds = FAULT_KINDS.filter((kind) => values.faults.split(",").includes(kind));
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.schedules) : 1;

const startMs = performance.now();
const failing = new Map<string, number>();
const answers = { finished: 0, failed: 0, interrupted: 0 };
const reasons = new Map<string, number>();
for (let seed = first; seed < first + count; seed += 1) {
  const schedule = scheduleOf(seed, kinds);
  const outcome = await simulate(schedule, values.trace ? { trace: console.log } : {});
  for (const kind of ["finished", "failed", "interrupted"] as const) {
    answers[kind] += outcome.answers[kind];
  }
  for (const reason of outcome.failures) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const [violation] = outcome.violations;
  if (!violation) continue;
  failing.set(violation.invariant, (failing.get(violation.invariant) ?? 0) + 1);
  process.exitCode = 1;
  if ([...failing.values()].reduce((sum, each) => sum + each) > MAX_FAILURES) continue;
  const smallest = await shrink(schedule, null);
  console.log(`seed ${seed}: ${violation.invariant}: ${violation.detail}`);
  console.log(JSON.stringify(describe(smallest), null, 1));
}
const seconds = (performance.now() - startMs) / 1000;
console.log(
  `${count} schedules in ${seconds.toFixed(1)} s (${((60 * count) / seconds).toFixed(0)} per minute); ` +
    `answers: ${JSON.stringify(answers)} ${JSON.stringify([...reasons])}; ` +
    `failures: ${JSON.stringify([...failing])}`,
);

function describe({ members, asks, faults }: ReturnType<typeof scheduleOf>) {
  return {
    members: members.map(({ computes, joinsAtMs }) => `${computes} at ${joinsAtMs}`),
    asks: asks.map(({ atMs, member, tokens }) => `m${member} at ${atMs}: ${tokens} tokens`),
    faults: faults.map((fault) => JSON.stringify(fault)),
  };
}

export type { FaultKind };
