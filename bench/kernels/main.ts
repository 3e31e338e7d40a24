/**
 * `npm run bench -- kernels [--chromium] [--firefox] [--traffic] [--json]`: every variant of the
 * matrix kernels on SmolLM2's and on larger shapes, in GMAC/s and against the fastest; or
 * the loads and instructions of each of them, and of the attention kernels, on a GPU (traffic.ts,
 * attention-traffic.ts).
 */
import {
  openBenchPage,
  startBenchServer,
  type BenchBrowserName,
  type BenchPage,
} from "../../tools/browsers/bench-browser.ts";
import type { AttentionWork } from "./attention-traffic.ts";
import {
  ATTENTION_TRAFFIC_LEGEND,
  attentionTrafficLine,
  MAT_TRAFFIC_LEGEND,
  matTrafficLine,
  timingLine,
} from "./lines.ts";
import type { CountedAttention, CountedMat, KernelRequest, MatCase, MatTiming } from "./page.ts";

const square = { format: "Q4_1", rows: 2048, columns: 2048 } as const;
const CASES: readonly MatCase[] = (["float", "int8"] as const).flatMap((activations) => [
  { ...square, tokens: 1, workload: "decode", activations },
  { ...square, tokens: 4, workload: "batch", activations },
  { ...square, tokens: 32, workload: "prefill", activations },
  { ...square, format: "Q4_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q6_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q8_0", tokens: 1, workload: "decode", activations },
]);

/** Llama 3's heads, and SmolLM2's: a decode step, and the last chunk of a prompt. */
const ATTENTION_CASES: readonly AttentionWork[] = [
  { heads: 32, keyValueHeads: 8, headSize: 128 },
  { heads: 9, keyValueHeads: 3, headSize: 64 },
].flatMap((shape) => [
  { ...shape, rows: 1, context: 1024 },
  { ...shape, rows: 64, context: 256 },
]);

/** Other cases, as JSON, for experiments. */
const given = process.env["MAT_CASES"];
const cases = given === undefined ? CASES : (JSON.parse(given) as MatCase[]);
const attentionCases = given === undefined ? ATTENTION_CASES : [];
const json = process.argv.includes("--json");

function print(line: string, data: object): void {
  console.log(json ? JSON.stringify(data) : line);
}

async function time(page: BenchPage, browser: string): Promise<void> {
  for (const work of cases) {
    const timings = (await page.call({
      kind: "time",
      work,
    } satisfies KernelRequest)) as MatTiming[];
    const best = Math.max(...timings.map(({ gigaMacs }) => gigaMacs));
    for (const timing of timings) {
      const ratio = timing.gigaMacs / best;
      print(timingLine(browser, work, timing, ratio), { browser, ...work, ...timing, ratio });
    }
  }
}

async function count(page: BenchPage, browser: string): Promise<void> {
  if (!json) console.log(MAT_TRAFFIC_LEGEND);
  for (const work of cases) {
    const counted = await page.call({ kind: "count", work } satisfies KernelRequest);
    for (const one of counted as CountedMat[]) {
      print(matTrafficLine(browser, work, one), { browser, ...work, ...one });
    }
  }
  if (!json) console.log(ATTENTION_TRAFFIC_LEGEND);
  for (const work of attentionCases) {
    const counted = await page.call({ kind: "count-attention", work } satisfies KernelRequest);
    for (const one of counted as CountedAttention[]) {
      print(attentionTrafficLine(browser, work, one), { browser, ...work, ...one });
    }
  }
}

const BROWSERS: readonly BenchBrowserName[] = ["chromium", "firefox"];
const wanted = BROWSERS.filter((name) => process.argv.includes(`--${name}`));
const counting = process.argv.includes("--traffic");
const server = await startBenchServer();
for (const name of wanted.length > 0 ? wanted : BROWSERS) {
  const page = await openBenchPage(name, server, "/bench/kernels/index.html", () => undefined);
  await (counting ? count(page, name) : time(page, name));
  await page.close();
}
await server.close();
