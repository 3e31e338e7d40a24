/**
 * `npm run bench -- kernels [--chromium] [--firefox] [--json]`: every variant of the matrix kernels, in
 * microseconds, GMAC/s, and against the fastest. On a software adapter on one shape and several
 * formats, on a GPU on the shapes of gpu-cases.ts.
 */
import { parseArgs } from "node:util";
import { ADAPTER } from "../../tools/browsers/adapter-choice.ts";
import {
  openBenchPage,
  startBenchServer,
  type BenchBrowserName,
  type BenchPage,
} from "../../tools/browsers/bench-browser.ts";
import { GPU_CASES } from "./gpu-cases.ts";
import { timingLine } from "./lines.ts";
import type { BenchCase, BenchRequest, Timing } from "./cases.ts";

const isGpu = ADAPTER.kind === "hardware";
const square = { kind: "product", format: "Q4_1", rows: 2048, columns: 2048 } as const;
const SOFTWARE_CASES: readonly BenchCase[] = (["float", "int8"] as const).flatMap((activations) => [
  { ...square, tokens: 1, workload: "decode", activations },
  { ...square, tokens: 4, workload: "batch", activations },
  { ...square, tokens: 32, workload: "prefill", activations },
  { ...square, format: "Q4_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q6_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q8_0", tokens: 1, workload: "decode", activations },
]);

/** Other cases, as JSON, for experiments. */
const given = process.env["MAT_CASES"];
const cases =
  given === undefined ? (isGpu ? GPU_CASES : SOFTWARE_CASES) : (JSON.parse(given) as BenchCase[]);
const BROWSERS: readonly BenchBrowserName[] = ["chromium", "firefox"];
const { values } = parseArgs({ strict: false });
const json = values["json"] === true;

function print(line: string, data: object): void {
  console.log(json ? JSON.stringify(data) : line);
}

async function time(page: BenchPage, browser: string): Promise<void> {
  for (const work of cases) {
    const request: BenchRequest = { work, isGpu };
    const timings = (await page.call(request)) as Timing[];
    const best = Math.min(...timings.map(({ microseconds }) => microseconds));
    for (const timing of timings) {
      const ratio = best / timing.microseconds;
      print(timingLine(browser, work, timing, ratio), { browser, ...work, ...timing, ratio });
    }
  }
}

const wanted = BROWSERS.filter((name) => values[name] === true);
const server = await startBenchServer();
for (const name of wanted.length > 0 ? wanted : BROWSERS) {
  const page = await openBenchPage(name, server, "/bench/kernels/index.html", () => undefined);
  await time(page, name);
  await page.close();
}
await server.close();
