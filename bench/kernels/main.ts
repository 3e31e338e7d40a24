/**
 * `tsx bench/kernels/main.ts [chromium|firefox] [--traffic] [--json]`: every variant of the
 * matrix kernels on SmolLM2's and on larger shapes, in GMAC/s and against the fastest; or
 * what each asks of a wide GPU's memory (traffic.ts).
 */
import { chromium } from "playwright";
import { createServer } from "vite";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS, launchFirefox } from "../../test/browsers.ts";
import type { CountedMat, MatCase, MatTiming } from "./mat-page.ts";

type MatPage = {
  measure(work: MatCase): Promise<MatTiming[]>;
  count(work: MatCase): Promise<CountedMat[]>;
};

const square = { format: "Q4_1", rows: 2048, columns: 2048 } as const;
const CASES: readonly MatCase[] = (["float", "int8"] as const).flatMap((activations) => [
  { ...square, tokens: 1, workload: "decode", activations },
  { ...square, tokens: 4, workload: "batch", activations },
  { ...square, tokens: 32, workload: "prefill", activations },
  { ...square, format: "Q4_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q6_K", tokens: 1, workload: "decode", activations },
  { ...square, format: "Q8_0", tokens: 1, workload: "decode", activations },
]);

async function withBrowser(name: string, url: string, use: (page: MatPage) => Promise<void>) {
  if (name === "firefox") {
    const { browser, close } = await launchFirefox();
    const page = await browser.newPage();
    await page.goto(url);
    await page.waitForFunction("window.countMat !== undefined");
    await use({
      measure: (work) => page.evaluate((one) => window.measureMat(one), work),
      count: (work) => page.evaluate((one) => window.countMat(one), work),
    });
    return close();
  }
  const browser = await chromium.launch({
    executablePath: CHROMIUM_PATH,
    args: CHROMIUM_WEBGPU_FLAGS,
  });
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction("window.countMat !== undefined");
  await use({
    measure: (work) => page.evaluate((one) => window.measureMat(one), work),
    count: (work) => page.evaluate((one) => window.countMat(one), work),
  });
  await browser.close();
}

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
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const server = await createServer({ server: { port: 0 }, logLevel: "error" });
await server.listen();
const url = new URL("bench/kernels/index.html", server.resolvedUrls!.local[0]).href;
const counting = process.argv.includes("--traffic");
if (counting && !json)
  console.log("bytes for a multiply-accumulate: asked for -> moved without a cache");
for (const name of wanted.length > 0 ? wanted : ["chromium", "firefox"]) {
  await withBrowser(name, url, async (page) => {
    for (const work of cases) {
      if (counting) printTraffic(name, work, await page.count(work));
      else print(name, work, await page.measure(work), json);
    }
  });
}
await server.close();
