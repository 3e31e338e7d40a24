/**
 * Runs rooms in virtual time against random faults: `npm run simulate`. A seed that fails is
 * printed with the schedule that is left after shrinking it; `-- --seed N` runs it again, and
 * `test/simulation/schedules` keeps it.
 */
import { parseArgs } from "node:util";
import { exploreCrashes } from "../tools/simulation/exhaustive.ts";
import { FAULT_KINDS, scheduleOf } from "../tools/simulation/schedule.ts";
import { shrink } from "../tools/simulation/shrink.ts";
import { simulate } from "../tools/simulation/simulate.ts";
import { PLANTED_BUGS } from "../tools/simulation/simulated-room.ts";

const MAX_FAILURES = 5;
const PROGRESS = 1000;

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
    /** Plants this bug, and stops at the first schedule that finds it. */
    plant: { type: "string" },
    /** Message orders of three members, with one crash at each point, instead of random schedules. */
    exhaustive: { type: "boolean", default: false },
    /** With `--exhaustive`: how many deliveries may overtake an earlier one in one run. */
    overtakes: { type: "string", default: "2" },
  },
});
const bug = PLANTED_BUGS.find((name) => name === values.plant) ?? null;
if (values.plant !== undefined && bug === null) {
  throw new Error(`--plant is one of ${PLANTED_BUGS.join(", ")}`);
}
// Failures are data: nobody reads the stacks of expected errors, and they take time.
if (!values.trace) Error.stackTraceLimit = 0;

const startMs = performance.now();
const startCpu = process.cpuUsage();
if (values.exhaustive) await explore();
else await runSchedules();

async function explore(): Promise<void> {
  const { runs, points, failures } = await exploreCrashes(Number(values.overtakes));
  for (const failure of failures.slice(0, MAX_FAILURES)) console.log(JSON.stringify(failure));
  if (failures.length > 0) process.exitCode = 1;
  console.log(`${points} points of a crash, ${rate(runs)}; failures: ${failures.length}`);
}

async function runSchedules(): Promise<void> {
  const kinds = FAULT_KINDS.filter((kind) => values.faults.split(",").includes(kind));
  const first = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.schedules) : 1;
  const failing = new Map<string, number>();
  const answers = { finished: 0, failed: 0, interrupted: 0, waiting: 0 };
  const reasons = new Map<string, number>();
  let longestOverlapMs = 0;
  let done = 0;
  const report = () =>
    `${rate(done)}; answers: ${JSON.stringify(answers)} ${JSON.stringify([...reasons])}; ` +
    `longest overlap of two coordinators: ${longestOverlapMs} ms; ` +
    `failures: ${JSON.stringify([...failing])}`;
  for (let seed = first; seed < first + count; seed += 1) {
    const schedule = scheduleOf(seed, kinds);
    const trace = values.trace ? { trace: console.log } : {};
    const outcome = await simulate(schedule, { bug, ...trace });
    done += 1;
    longestOverlapMs = Math.max(longestOverlapMs, outcome.overlapMs);
    for (const kind of ["finished", "failed", "interrupted", "waiting"] as const) {
      answers[kind] += outcome.answers[kind];
    }
    for (const reason of outcome.failures) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (done % PROGRESS === 0 && done < count) console.log(report());
    const [violation] = outcome.violations;
    if (!violation) continue;
    failing.set(violation.invariant, (failing.get(violation.invariant) ?? 0) + 1);
    process.exitCode = 1;
    if ([...failing.values()].reduce((sum, each) => sum + each) > MAX_FAILURES) continue;
    console.log(`seed ${seed}: ${violation.invariant}: ${violation.detail}`);
    console.log(JSON.stringify(await shrink(schedule, bug)));
    if (bug !== null) break;
  }
  console.log(report());
}

function rate(count: number): string {
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(startCpu);
  const perMinute = (60 * count) / seconds;
  const perCore = (60e6 * count) / (user + system);
  return `${count} schedules in ${seconds.toFixed(1)} s (${perMinute.toFixed(0)} per minute, ${perCore.toFixed(0)} per minute of one core)`;
}
