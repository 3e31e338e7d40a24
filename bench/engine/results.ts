/** The measurements of a run in one browser, and where they are stored. */
import { median } from "../../src/shared/index.ts";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import type { EngineCounters } from "../../src/engine/index.ts";
import type { BenchBrowserName } from "../../tools/browsers/bench-browser.ts";
import type { LoadPhases, LoadReply, ProbeReply, ProfileReply } from "./requests.ts";

/** Milliseconds of each run, by `RUNNER WORK`, such as "wllama prefill 400" or "tabmesh decode 64". */
export type Samples = Record<string, number[]>;

export type BrowserResult = {
  readonly date: string;
  readonly machine: string;
  readonly browser: BenchBrowserName;
  readonly quick: boolean;
  readonly activations: "float" | "int8";
  /** The file's name without its ending; the default model's results carry no name. */
  readonly otherModel: string | null;
  /** Runnable processes at the end of the run; more than cores means that it was disturbed. */
  readonly loadAverage: number;
  readonly adapter: ProbeReply["adapter"];
  readonly measurements: ProbeReply["measurements"];
  readonly load: LoadReply;
  /** Null without storage. */
  readonly loadPhases: LoadPhases | null;
  /** Of one decode step. */
  readonly counters: EngineCounters;
  /** Bytes of the shard (weights, cache and scratch) after each kind of work. */
  readonly memoryBytes: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly samples: Samples;
  readonly profiles: readonly ProfileReply[];
};

/** NaN for what was not measured. */
export const medianOrNaN = (values: readonly number[]) =>
  values.length === 0 ? NaN : median(values);

export const machineName = () => `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown"}`;

/** Firefox exposes neither vendor nor architecture. */
export function adapterName({ vendor, architecture, software }: ProbeReply["adapter"]): string {
  const known = [vendor, architecture].filter((word) => word.trim() !== "").join(" ");
  return known || (software ? "software adapter" : "adapter");
}

/** Writes `bench/results/DATE-ADAPTER-BROWSER[-MODEL][-quick].json`; returns its path. */
export async function writeResult(result: BrowserResult): Promise<string> {
  const { date, adapter, otherModel, quick } = result;
  const parts = [
    date.slice(0, 10),
    adapterName(adapter),
    adapter.browser,
    otherModel,
    quick && "quick",
  ];
  const name = parts.filter(Boolean).join(" ");
  const path = `bench/results/${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.json`;
  await mkdir("bench/results", { recursive: true });
  await writeFile(path, `${JSON.stringify(result, null, 1)}\n`);
  return path;
}
