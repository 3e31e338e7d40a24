/**
 * `npm run bench -- engine [--quick] [--profile] [--alone] [--chromium] [--firefox]
 * [--float] [--json] [--model=FILE]`: one tab's engine against its alternatives, in the same run, on the
 * same machine and browser. Results are stored in bench/results/.
 */
import { startBenchServer } from "../../tools/browsers/bench-browser.ts";
import { measureBrowser, openEngine } from "./measure-browser.ts";
import { parseOptions, type BenchOptions } from "./options.ts";
import { jsonLines, kernelLines, profileLines, resultLines } from "./print.ts";
import type { LoadReply, ProbeReply, ProfileReply } from "./requests.ts";
import { writeResult } from "./results.ts";

const options = parseOptions(process.argv.slice(2));
const server = await startBenchServer();
/** Progress, without the messages of the development server. */
const say = (line: string) => {
  if (!/^\[vite\]|^JSHandle/.test(line)) console.error(`  ${line}`);
};
try {
  for (const browser of options.browsers) {
    say(browser);
    if (options.profile) {
      await profile(browser, options);
      continue;
    }
    const result = await measureBrowser(browser, server, options, say);
    const lines = options.json ? jsonLines(result) : [...resultLines(result), ""];
    console.log(lines.join("\n"));
    say(`written to ${await writeResult(result)}`);
  }
} finally {
  await server.close();
}

/** A decode step and a chunk at several contexts, kernel by kernel; no peers. */
async function profile(
  browser: BenchOptions["browsers"][number],
  { activations, json, modelPath }: BenchOptions,
) {
  const engine = await openEngine(browser, server, say);
  const probe = await engine.ask<ProbeReply>({ kind: "probe" });
  const modelUrl = `${server.origin}${modelPath}`;
  const load = await engine.ask<LoadReply>({
    kind: "load",
    modelUrl,
    contextTokens: 1088,
    sequences: 4,
    activations,
  });
  const { kernels } = load;
  console.log(json ? JSON.stringify({ browser, kernels }) : kernelLines(kernels).join("\n"));
  for (const [rows, context] of [
    [1, 64],
    [1, 1024],
    [load.maxRows, load.maxRows],
    [load.maxRows, 400],
  ] as const) {
    const reply = await engine.ask<ProfileReply>({ kind: "profile", rows, context });
    if (json)
      for (const kernel of reply.kernels)
        console.log(JSON.stringify({ browser, rows, context, ...kernel }));
    else console.log(["", ...profileLines(reply, probe)].join("\n"));
  }
  await engine.close();
}
