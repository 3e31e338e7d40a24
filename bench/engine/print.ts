/** A result as tables for people, or as one JSON object per line. Pure: returns lines. */
import type { KernelReport } from "../../src/shared/index.ts";
import { describeKernelChoice, describeTuning } from "../../src/words/index.ts";
import { floorRows, ortPrefill, type FloorRow } from "./floors.ts";
import { LOAD_PHASES, type KernelProfile, type LoadPhases, type ProfileReply } from "./requests.ts";
import { adapterName, medianOrNaN, type BrowserResult } from "./results.ts";

export function resultLines(result: BrowserResult): string[] {
  const { adapter, measurements, machine, load, counters, memoryBytes } = result;
  return [
    `${adapter.browser} · ${adapterName(adapter)} · ${machine}`,
    `copies ${rate(measurements.copyBytesPerMs / 1e6)} GB/s, f32 ${rate(measurements.f32FlopsPerMs / 1e6)} GFLOP/s, ` +
      `dispatch ${measurements.dispatchMs.toFixed(3)} ms, readback ${measurements.readbackMs.toFixed(1)} ms; ` +
      `load average at the end ${result.loadAverage.toFixed(1)}`,
    "",
    ...comparisonLines(result),
    "",
    `load      ${Object.entries(load.phasesMs)
      .map(([phase, ms]) => `${phase} done at ${(ms / 1000).toFixed(1)} s`)
      .join(", ")}; ready at ${(load.loadMs / 1000).toFixed(1)} s`,
    `          ${loadPhasesLine(result.loadPhases)}`,
    `memory    ${Object.entries(memoryBytes)
      .map(([when, bytes]) => `${when}: ${(bytes / 2 ** 20).toFixed(0)} MiB`)
      .join("; ")}`,
    `a decode step: ${Object.entries(counters)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")}`,
    ...kernelLines(load.kernels).map((line) => `kernels   ${line}`),
    ...result.profiles.flatMap((profile) => ["", ...profileLines(profile, result)]),
    "",
    ...floorLines(floorRows(result)),
  ];
}

function loadPhasesLine(phases: LoadPhases | null): string {
  if (phases === null) return "phases not measured, since there is no storage";
  const parts = LOAD_PHASES.map((phase) => `${phase} ${phases[phase].toFixed(2)}`);
  return `phases by themselves, ns per byte: ${parts.join(", ")}`;
}

export function kernelLines(kernels: KernelReport): string[] {
  const choices = kernels.choices.map(describeKernelChoice);
  return [
    ...describeTuning(kernels),
    ...choices.map(({ work, winner, others }) => `${work}: ${winner}${others}`),
  ];
}

/** One object per measurement, then one per floor. */
export function jsonLines(result: BrowserResult): string[] {
  const { browser, date, adapter } = result;
  const head = { suite: "engine", browser, date, adapter: adapterName(adapter) };
  const medians = Object.entries(result.samples).map(([work, ms]) => ({
    ...head,
    work,
    medianMs: medianOrNaN(ms),
    runs: ms.length,
  }));
  const profiles = result.profiles.flatMap(({ rows, context, kernels }) =>
    kernels.map((kernel) => ({ ...head, profile: { rows, context, ...kernel } })),
  );
  const floors = floorRows(result).map((row) => ({ ...head, ...row }));
  return [...medians, ...profiles, ...floors].map((line) => JSON.stringify(line));
}

const PEERS = ["wllama", "ort", "webgpu", "native", "webllm"] as const;
const PEER_NAMES = {
  wllama: "wllama wasm",
  ort: "ort matrices",
  webgpu: "wllama webgpu",
  native: "llama.cpp",
  webllm: "WebLLM",
};

const rate = (value: number) => value.toPrecision(3);

function comparisonLines(result: BrowserResult): string[] {
  const { samples } = result;
  const ms = (work: string) => medianOrNaN(samples[work] ?? []);
  const perSecond = (tokens: number, time: number) => (tokens * 1000) / time;
  type Peers = { readonly [peer in (typeof PEERS)[number]]?: number };
  const row = (label: string, ours: number, peers: Peers = {}) => [
    label,
    cell(ours),
    ...PEERS.flatMap((peer) => {
      const theirs = peers[peer] ?? NaN;
      return [cell(theirs), ratio(ours / theirs)];
    }),
  ];
  const decode = (context: number, key: string) =>
    row(`decode at ${context}`, perSecond(1, ms(key)), {
      wllama: perSecond(1, ms(`wllama decode ${context}`)),
      ...(context === 64 && {
        ort: perSecond(1, ms("ort decode")),
        webgpu: perSecond(1, ms("wllama_webgpu decode 64")),
      }),
    });
  const prefill = (tokens: number) =>
    row(`prefill of ${tokens}`, perSecond(tokens, ms(`tabmesh prefill ${tokens}`)), {
      wllama: perSecond(tokens, ms(`wllama prefill ${tokens}`)),
      ...(tokens === 400 && { ort: perSecond(tokens, ortPrefill(result)) }),
      native: perSecond(tokens, ms(`native prefill ${tokens}`)),
      webllm: perSecond(tokens, ms(`webllm prefill ${tokens}`)),
    });
  const contexts = Object.keys(samples).flatMap((work) => {
    const context = /^tabmesh context (\d+)$/.exec(work)?.[1];
    return context === undefined ? [] : [Number(context)];
  });
  const ahead = (context: number) =>
    [1, 2, 4].map((inFlight) => {
      const key = `tabmesh context ${context}, ${inFlight} in flight`;
      // llama.cpp's own loop waits for each token, since its sampling is on the CPU.
      const peer = (name: string) =>
        inFlight === 4 ? perSecond(1, ms(`${name} decode ${context}`)) : NaN;
      return row(`at ${context}, ${inFlight} in flight`, perSecond(1, ms(key)), {
        native: peer("native"),
        webllm: peer("webllm"),
      });
    });
  const seconds = (work: string) => ms(work) / 1000;
  const wait = (context: number) =>
    row(
      `at ${context}, ms beyond the GPU's work`,
      ms(`tabmesh context ${context}, beyond the GPU`),
    );
  return table([
    ["tokens/s", "tabmesh", ...PEERS.flatMap((peer) => [PEER_NAMES[peer], "ratio"])],
    prefill(16),
    prefill(128),
    prefill(400),
    decode(64, "tabmesh decode 64"),
    ...contexts
      .filter((context) => context !== 64)
      .map((context) => decode(context, `tabmesh context ${context}`)),
    ...contexts.flatMap(ahead),
    ...contexts.map(wait),
    row("load, seconds (below 1: faster)", seconds("tabmesh load"), {
      wllama: seconds("wllama load"),
      ort: seconds("ort load"),
      webgpu: seconds("wllama_webgpu load"),
      webllm: seconds("webllm load"),
    }),
    row("first prompt of 16, seconds", seconds("tabmesh first prompt 16")),
    row("no layers, ms", ms("tabmesh no layers")),
    row("no layers but head, ms", ms("tabmesh no layers, with head")),
  ]);
}

/** Kernels of a step against the adapter's f32 arithmetic and the memory traffic of its copies. */
export function profileLines(
  { rows, context, stepMs, timestamps, replayMs, kernels }: ProfileReply,
  { measurements }: Pick<BrowserResult, "measurements">,
): string[] {
  const total = kernels.reduce((sum, { ms }) => sum + ms, 0);
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const roofline = ({ macs, bytes, ms }: KernelProfile) => {
    if (macs === null || bytes === null) return ["", "", "", "", ""];
    const arithmetic = (2 * macs) / ms / measurements.f32FlopsPerMs;
    const bandwidth = bytes / ms / (2 * measurements.copyBytesPerMs); // a copy reads and writes
    return [
      (macs / ms / 1e6).toFixed(2),
      (bytes / ms / 1e6).toFixed(2),
      percent(arithmetic),
      percent(bandwidth),
      percent(Math.max(arithmetic, bandwidth)),
    ];
  };
  return [
    `${rows === 1 ? "a decode step" : `a chunk of ${rows} rows`} at ${context} tokens of context: ` +
      `${stepMs.toFixed(1)} ms; its dispatches alone ${replayMs.toFixed(1)} ms; kernel by kernel ${total.toFixed(1)} ms ` +
      `(${timestamps ? "the GPU's timestamps" : "by the wall"})`,
    ...table([
      [
        "kernel",
        "dispatches",
        "groups",
        "ms",
        "share",
        "GMAC/s",
        "GB/s",
        "of f32",
        "of memory",
        "roofline",
      ],
      ...kernels.map((kernel) => [
        kernel.name,
        String(kernel.dispatches),
        String(kernel.workgroups),
        kernel.ms.toPrecision(3),
        percent(kernel.ms / total),
        ...roofline(kernel),
      ]),
    ]),
  ];
}

function floorLines(rows: readonly FloorRow[]): string[] {
  const unit = (row: FloorRow, value: number) =>
    row.unit === "ms" ? `${value.toFixed(1)} ms` : `${value.toPrecision(3)} times`;
  return table([
    ["work", "floor", "measured", "met"],
    ...rows.map((row) => [
      row.work,
      row.floor === null
        ? "it has none"
        : `${row.unit === "ms" ? "below" : "at least"} ${row.floor}`,
      Number.isNaN(row.measured) ? "not measured" : unit(row, row.measured),
      row.met === null ? "-" : row.met ? "yes" : "NO",
    ]),
  ]);
}

const cell = (value: number) => (Number.isNaN(value) ? "" : value.toPrecision(3));
const ratio = (value: number) => (Number.isNaN(value) ? "" : `x ${value.toPrecision(3)}`);

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
