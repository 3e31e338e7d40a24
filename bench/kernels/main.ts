/**
 * `npm run bench -- kernels [--chromium] [--firefox] [--json]`: every variant of the matrix kernels
 * on SmolLM2's and on larger shapes, in GMAC/s and against the fastest.
 */
import {
  openBenchPage,
  startBenchServer,
  type BenchBrowserName,
  type BenchPage,
} from "../../tools/browsers/bench-browser.ts";
import { timingLine } from "./lines.ts";
import type { MatCase, MatTiming } from "./page.ts";

const square = { format: "Q4_1", rows: 2048, columns: 2048 } as const;
const CASES: readonly MatCase[] = (["float", "int8"] as const).flatMap((activations) => [
  { ...square, tokens: 1, workload: "decode", activations },
  { ...square, tokens: 4, workload: "batch", activations },
  { ...square, tokens: 32, workload: "prefill", activations },
  { ...square, format: "Q4_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q6_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q8_0", tokens: 1, workload: "decode", activations },
]);

/** Other cases, as JSON, for experiments. */
const given = process.env["MAT_CASES"];
const cases = given === undefined ? CASES : (JSON.parse(given) as MatCase[]);
const json = process.argv.includes("--json");

function print(line: string, data: object): void {
  console.log(json ? JSON.stringify(data) : line);
}

async function time(page: BenchPage, browser: string): Promise<void> {
  for (const work of cases) {
    const timings = (await page.call(work)) as MatTiming[];
    const best = Math.max(...timings.map(({ gigaMacs }) => gigaMacs));
    for (const timing of timings) {
      const ratio = timing.gigaMacs / best;
      print(timingLine(browser, work, timing, ratio), { browser, ...work, ...timing, ratio });
    }
  }
}

const BROWSERS: readonly BenchBrowserName[] = ["chromium", "firefox"];
const wanted = BROWSERS.filter((name) => process.argv.includes(`--${name}`));
const server = await startBenchServer();
for (const name of wanted.length > 0 ? wanted : BROWSERS) {
  const page = await openBenchPage(name, server, "/bench/kernels/index.html", () => undefined);
  await time(page, name);
  await page.close();
}
await server.close();
