/**
 * `npm run bench -- kernels [--chromium] [--firefox] [--traffic] [--json]`: every variant of the
 * matrix kernels on SmolLM2's and on larger shapes, in GMAC/s and against the fastest; or
 * what each asks of a wide GPU's memory (traffic.ts).
 */
import {
  openBenchPage,
  startBenchServer,
  type BenchBrowserName,
} from "../support/bench-browser.ts";
import type { CountedMat, MatCase, MatRequest, MatTiming } from "./mat-page.ts";

const square = { format: "Q4_1", rows: 2048, columns: 2048 } as const;
const CASES: readonly MatCase[] = (["float", "int8"] as const).flatMap((activations) => [
  { ...square, tokens: 1, workload: "decode", activations },
  { ...square, tokens: 4, workload: "batch", activations },
  { ...square, tokens: 32, workload: "prefill", activations },
  { ...square, format: "Q4_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q6_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q8_0", tokens: 1, workload: "decode", activations },
]);

function printTraffic(browser: string, work: MatCase, counted: readonly CountedMat[]) {
  for (const one of counted) {
    if (json) {
      console.log(JSON.stringify({ browser, ...work, ...one }));
      continue;
    }
    const { format, tokens, activations } = work;
    const bytes = (asked: number, moved: number) => `${asked.toFixed(2)} -> ${moved.toFixed(2)}`;
    console.log(
      [
        `${browser} ${format} ${tokens} ${activations}`.padEnd(28),
        one.variant.padEnd(26),
        `${one.threads} threads`.padStart(15),
        `${one.conversions.toFixed(3)} conversions`.padStart(19),
        `weights ${bytes(one.weightBytes, one.weightSectorBytes)}`.padStart(24),
        `inputs ${bytes(one.inputBytes, one.inputSectorBytes)}`.padStart(23),
      ].join(" "),
    );
  }
}

function print(browser: string, work: MatCase, timings: readonly MatTiming[], json: boolean) {
  const best = Math.max(...timings.map(({ gigaMacs }) => gigaMacs));
  for (const timing of timings) {
    const ratio = timing.gigaMacs / best;
    if (json) {
      console.log(JSON.stringify({ browser, ...work, ...timing, ratio }));
      continue;
    }
    const { format, rows, columns, tokens, activations } = work;
    const what = `${browser} ${format} ${rows}x${columns} ${tokens} ${activations}`;
    const rate = `${timing.gigaMacs.toFixed(2)} GMAC/s  ${ratio.toFixed(2)}`;
    console.log(
      `${what.padEnd(44)} ${timing.variant.padEnd(28)} ${rate}  compile ${timing.compileMs.toFixed(0)} ms`,
    );
  }
}

/** Cases to run instead, as JSON, for experiments. */
const given = process.env["MAT_CASES"];
const cases = given === undefined ? CASES : (JSON.parse(given) as MatCase[]);
const json = process.argv.includes("--json");
const BROWSERS: readonly BenchBrowserName[] = ["chromium", "firefox"];
const wanted = BROWSERS.filter((name) => process.argv.includes(`--${name}`));
const counting = process.argv.includes("--traffic");
if (counting && !json) {
  console.log("bytes for a multiply-accumulate: asked for -> moved without a cache");
}
const server = await startBenchServer();
for (const name of wanted.length > 0 ? wanted : BROWSERS) {
  const page = await openBenchPage(name, server, "/bench/kernels/index.html", () => undefined);
  for (const work of cases) {
    const answer = await page.call({ work, counting } satisfies MatRequest);
    if (counting) printTraffic(name, work, answer as CountedMat[]);
    else print(name, work, answer as MatTiming[], json);
  }
  await page.close();
}
await server.close();
