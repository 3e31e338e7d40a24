/**
 * `npm run bench -- placement [--quick] [--json] [--clock cpu|wall] [--seeds N] [--first N]`
 *
 * Fractions of seeded instances that are solved, the quality of the plans, and the placements of other
 * systems' rules for the same rooms. The referee checks every placement; brute force and HiGHS check
 * the optima of small instances.
 *
 * The clock is this process's CPU time unless `--clock wall`: on a busy machine, wall time measures the
 * other work.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { median } from "../../src/shared/index.ts";
import {
  type Answer,
  type Problem,
  isFound,
  placeGreedy,
  solve,
  warmUp,
} from "../../src/placement/index.ts";
import { bruteForce } from "../../tools/placement/brute-force.ts";
import { referee } from "../../tools/placement/check.ts";
import { FAMILIES, generate } from "../../tools/placement/generate.ts";
import { solveByMilp } from "./milp.ts";
import { shortened } from "./shortened.ts";
import { fillByBandwidth, proportionalToMemory } from "../../tools/placement/rules.ts";

const SHORT_MS = 100;
const LONG_MS = 1000;
/** An answer may be this late, by its last check of the clock. */
const GRACE_MS = 10;
const ROUNDING = 1e-6;

/** The goals of a row: shares of the instances, in percent. */
type Goal = Partial<
  Record<
    "provenShort" | "provenLong" | "optimalShort" | "within1Short" | "within5Short" | "within1Long",
    number
  >
>;

/** The rows of the table: member counts and goals. */
const GROUPS: readonly { label: string; sizes: readonly number[]; goal: Goal }[] = [
  {
    label: "4 to 8",
    sizes: [4, 6, 8],
    goal: { provenShort: 100, provenLong: 100, optimalShort: 100 },
  },
  {
    label: "9 to 12",
    sizes: [9, 10, 12],
    goal: { provenShort: 97, provenLong: 100, optimalShort: 99 },
  },
  {
    label: "13 to 16",
    sizes: [13, 14, 16],
    goal: { provenShort: 85, provenLong: 97, within1Short: 98 },
  },
  {
    label: "17 to 24",
    sizes: [17, 20, 24],
    goal: { provenShort: 55, provenLong: 80, within1Short: 90 },
  },
  {
    label: "25 to 32",
    sizes: [25, 28, 32],
    goal: { provenShort: 30, provenLong: 50, within5Short: 95 },
  },
  { label: "48 to 64", sizes: [48, 64], goal: { within5Short: 75, within1Long: 75 } },
];

type Row = {
  readonly members: string;
  readonly instances: number;
  readonly provenShort: number;
  readonly provenLong: number;
  readonly optimalShort: number;
  readonly within1Short: number;
  readonly within5Short: number;
  readonly within1Long: number;
  readonly late: number;
  readonly infeasible: number;
  readonly rules: Record<string, { readonly fails: number; readonly median: number | null }>;
  readonly goal: Goal;
  readonly met: boolean;
};

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    clock: { type: "string", default: "cpu" },
    seeds: { type: "string" },
    first: { type: "string", default: "1000" },
  },
});
const now =
  values.clock === "wall"
    ? () => performance.now()
    : () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1000;
      };
const seeds = Number(values.seeds ?? (values.quick ? 1 : 6));
const say = (object: object, text: string) =>
  console.log(values.json ? JSON.stringify(object) : text);

/** The cost by the referee; throws if the placement violates a constraint or its bound is wrong. */
function checked(problem: Problem, answer: Answer): number {
  if (!isFound(answer)) return Infinity;
  const { broken, costMs } = referee(problem, answer.stages);
  if (broken.length > 0) throw new Error(`${problem.name}: ${broken.join(", ")}`);
  if (Math.abs(costMs - answer.costMs) > ROUNDING * costMs)
    throw new Error(`${problem.name}: says ${answer.costMs} ms, the referee says ${costMs}`);
  if (answer.lowerBoundMs > costMs * (1 + ROUNDING))
    throw new Error(`${problem.name}: a bound of ${answer.lowerBoundMs} above its cost ${costMs}`);
  return costMs;
}

function measure({ label, sizes, goal }: (typeof GROUPS)[number]): Row {
  const ratios: Record<string, number[]> = { exo: [], parallax: [], greedy: [] };
  const counts = { instances: 0, infeasible: 0, late: 0, provenShort: 0, provenLong: 0 };
  const plans = { optimalShort: 0, within1Short: 0, within5Short: 0, within1Long: 0 };
  for (const size of sizes)
    for (const family of FAMILIES)
      for (let seed = 0; seed < seeds; seed++) {
        const problem = generate(family, size, Number(values.first) + seed);
        const short = solve(problem, { deadlineMs: SHORT_MS, now });
        if (short.kind === "infeasible") {
          counts.infeasible++;
          continue;
        }
        const long =
          short.kind === "optimal" ? short : solve(problem, { deadlineMs: LONG_MS, now });
        const shortMs = checked(problem, short);
        const longMs = checked(problem, long);
        if (long.kind === "infeasible") {
          counts.infeasible++;
          continue;
        }
        const bestMs = Math.min(shortMs, longMs);
        counts.instances++;
        if (short.elapsedMs > SHORT_MS + GRACE_MS) counts.late++;
        if (short.kind === "optimal") counts.provenShort++;
        if (long.kind === "optimal") counts.provenLong++;
        if (shortMs <= bestMs * (1 + ROUNDING)) plans.optimalShort++;
        if (shortMs <= bestMs * 1.01) plans.within1Short++;
        if (shortMs <= bestMs * 1.05) plans.within5Short++;
        if (longMs <= bestMs * 1.01) plans.within1Long++;
        const greedy = placeGreedy(problem);
        for (const { name, place } of [proportionalToMemory, fillByBandwidth]) {
          const stages = place(problem);
          ratios[name]!.push(stages === null ? Infinity : referee(problem, stages).costMs / bestMs);
        }
        ratios["greedy"]!.push(checked(problem, greedy) / bestMs);
        for (const [name, list] of Object.entries(ratios))
          if (list[list.length - 1]! < 1 - ROUNDING)
            throw new Error(`${problem.name}: ${name} is better than the solver`);
      }
  const rules = Object.fromEntries(
    Object.entries(ratios).map(([name, list]) => {
      const found = list.filter((ratio) => ratio < Infinity).sort((a, b) => a - b);
      return [
        name,
        { fails: list.length - found.length, median: found[found.length >> 1] ?? null },
      ];
    }),
  );
  const shares: Record<string, number> = { ...counts, ...plans };
  const met = Object.entries(goal).every(
    ([name, percent]) =>
      (100 * shares[name]!) / Math.max(1, counts.instances) >= percent - ROUNDING,
  );
  return { members: label, ...counts, ...plans, rules, goal, met };
}

function rowText(row: Row): string {
  const part = (count: number) => `${Math.round((100 * count) / Math.max(1, row.instances))} %`;
  const asked = (name: keyof Goal) =>
    row.goal[name] === undefined ? part(row[name]) : `${part(row[name])} (${row.goal[name]})`;
  const rules = Object.entries(row.rules).map(([, { fails, median }]) =>
    [part(fails), median === null ? "-" : median.toFixed(2)].join(" / "),
  );
  return [
    row.members,
    row.instances,
    asked("provenShort"),
    asked("provenLong"),
    asked("optimalShort"),
    asked("within1Short"),
    asked("within5Short"),
    asked("within1Long"),
    row.late,
    ...rules,
    row.met ? "yes" : "NO",
  ].join(" | ");
}

/** Optima of small instances against brute force, and of larger ones against HiGHS. */
async function oracles(): Promise<void> {
  const unlimited = { deadlineMs: Infinity, now };
  const compare = (problem: Problem, truthMs: number | null, oracle: string) => {
    const answer = solve(problem, unlimited);
    const costMs = isFound(answer) ? checked(problem, answer) : null;
    const agrees =
      costMs === null || truthMs === null
        ? costMs === truthMs
        : Math.abs(costMs - truthMs) <= ROUNDING * truthMs;
    if (!agrees) throw new Error(`${problem.name}: ${costMs} ms, but ${oracle} says ${truthMs}`);
  };
  let brute = 0;
  for (const family of FAMILIES)
    for (let seed = 0; seed < (values.quick ? 2 : 8); seed++) {
      const problem = shortened(generate(family, 4 + (seed % 2), 5000 + seed), 8);
      compare(problem, bruteForce(problem), "brute force");
      brute++;
    }
  let milp = 0;
  const times: number[] = [];
  for (const family of FAMILIES)
    for (let seed = 0; seed < (values.quick ? 1 : 4); seed++) {
      const problem = shortened(generate(family, 6 + (seed % 2), 6000 + seed), 14);
      const { costMs, elapsedMs } = await solveByMilp(problem);
      compare(problem, costMs, "HiGHS");
      times.push(elapsedMs);
      milp++;
    }
  const medianMs = median(times);
  say(
    { bench: "placement", oracles: { bruteForce: brute, highs: milp, highsMedianMs: medianMs } },
    `\nagreed with brute force on ${brute} instances (4 and 5 members, 8 layers) and with HiGHS on ` +
      `${milp} (6 and 7 members, 14 layers; HiGHS took ${medianMs.toFixed(0)} ms in the median)`,
  );
}

warmUp(now);
for (const family of FAMILIES) solve(generate(family, 12, 1), { deadlineMs: LONG_MS, now });
if (!values.json) {
  console.log(
    `deadlines in ${values.clock === "wall" ? "wall time" : "CPU time of the process"}; in brackets what is asked, in %\n`,
  );
  console.log(
    "members | instances | proven in 100 ms | in 1 s | best plan in 100 ms | within 1 % | within 5 % | " +
      "within 1 % in 1 s | late | exo fails / median | parallax | greedy | met",
  );
}
const rows: Row[] = [];
for (const group of values.quick ? GROUPS.slice(0, 4) : GROUPS) {
  const row = measure(group);
  rows.push(row);
  say({ bench: "placement", clock: values.clock, ...row }, rowText(row));
}
await oracles();
if (!values.quick) {
  const date = new Date().toISOString();
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown"}`;
  const run = {
    date,
    machine,
    node: process.version,
    clock: values.clock,
    seeds,
    first: values.first,
  };
  mkdirSync("bench/results", { recursive: true });
  writeFileSync(
    `bench/results/${date.slice(0, 10)}-placement.json`,
    `${JSON.stringify({ ...run, loadAverage: loadavg()[0], rows }, null, 1)}\n`,
  );
}
