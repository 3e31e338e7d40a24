/**
 * `npm run --silent place -- [--deadline-ms 100] [--objective latency] FILE`
 *
 * Reads placement problems, one JSON object per line (`-` for standard input), and
 * prints one answer a line, in order, by the module that the coordinator runs.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { placeLine } from "./place-line.ts";
import { Objective, warmUp } from "../src/placement/index.ts";

const USAGE = "npm run --silent place -- [--deadline-ms 100] [--objective latency] FILE";

function main(): number {
  const { values, positionals } = parseArgs({
    options: {
      "deadline-ms": { type: "string", default: "100" },
      objective: { type: "string" },
    },
    allowPositionals: true,
  });
  const deadlineMs = Number(values["deadline-ms"]);
  if (!(deadlineMs >= 0))
    return usageError(`--deadline-ms takes a number of milliseconds from 0 on`);
  const objective = objectiveFrom(values.objective);
  if (objective === null)
    return usageError(`--objective takes latency, throughput, prefill or a JSON object of weights`);
  const file = positionals[0];
  if (file === undefined || positionals.length > 1)
    return usageError("name one file, or - for standard input");
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    return usageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  const now = () => performance.now();
  warmUp(now);
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const answer = placeLine(line, { deadlineMs, now, objective });
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  return 0;
}

function objectiveFrom(text: string | undefined): Objective | undefined | null {
  if (text === undefined) return undefined;
  try {
    return Objective.parse(text.startsWith("{") ? JSON.parse(text) : text);
  } catch {
    return null;
  }
}

function usageError(message: string): number {
  process.stderr.write(`place: ${message}\n${USAGE}\n`);
  return 2;
}

// The reader of the answers may stop reading: `place ... | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = main();
