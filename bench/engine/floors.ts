/** The speeds that the engine must reach with the default model, as ratios in one run: the rows of the final table. Pure. */
import type { BenchBrowserName } from "../../tools/browsers/bench-browser.ts";
import { headShare } from "../peers/ort-graph.ts";
import { type BrowserResult, medianOrNaN } from "./results.ts";

export type FloorRow = {
  readonly work: string;
  /** `null` where the peer does not run, and for other models. */
  readonly floor: number | null;
  /** "ms" is an upper bound on milliseconds; "times" a lower bound on a ratio. */
  readonly unit: "times" | "ms";
  /** NaN where it was not measured. */
  readonly measured: number;
  readonly met: boolean | null;
};

const FLOORS: Record<BenchBrowserName, readonly (number | null)[]> = {
  chromium: [25, null, 0.28, 4, 1.1, 1.8, 4, 0.7, 0.4],
  firefox: [5, 50, 0.45, 3, 1.2, 1.5, 5, 0.7, 0.4],
};

type Measured = Pick<BrowserResult, "browser" | "samples" | "load" | "otherModel">;

/** Other models than the default one have no floors. */
export function floorRows(result: Measured): FloorRow[] {
  const { browser, samples, otherModel } = result;
  const ms = (work: string) => medianOrNaN(samples[work] ?? []);
  const decode = ms("tabmesh decode 64");
  const prefill = ms("tabmesh prefill 400");
  const measured: readonly (readonly [string, number])[] = [
    ["decode against onnxruntime-web's matrix work on WebGPU", ms("ort decode") / decode],
    ["decode against wllama on WebGPU", ms("wllama_webgpu decode 64") / decode],
    ["decode against wllama in WebAssembly", ms("wllama decode 64") / decode],
    ["prefill of 400 tokens against onnxruntime-web on WebGPU", ortPrefill(result) / prefill],
    ["prefill of 400 tokens against wllama in WebAssembly", ms("wllama prefill 400") / prefill],
    [
      "4 rows decoding together against one, in sum",
      (4 * ms("tabmesh one row")) / ms("tabmesh four rows"),
    ],
    ["a step with all layers removed", ms("tabmesh no layers")],
    [
      "decode at 1,024 tokens of context against 64",
      ms("tabmesh context 64") / ms("tabmesh context 1024"),
    ],
    [
      "decode at 4,096 tokens of context against 64",
      ms("tabmesh context 64") / ms("tabmesh context 4096"),
    ],
  ];
  return measured.map(([work, value], i) => {
    const floor = otherModel === null ? FLOORS[browser][i]! : null;
    const unit = work.startsWith("a step") ? "ms" : "times";
    const met =
      floor === null || Number.isNaN(value) ? null : unit === "ms" ? value < floor : value >= floor;
    return { work, floor, unit, measured: value, met };
  });
}

/**
 * Milliseconds for 400 rows: measured, or scaled from 64 with the head, which a chunk
 * runs for one row only, counted once (its time guessed from its part of a decode step).
 */
export function ortPrefill({ samples, load }: Pick<Measured, "samples" | "load">): number {
  const ms = (work: string) => medianOrNaN(samples[work] ?? []);
  const whole = ms("ort prefill 400");
  if (!Number.isNaN(whole)) return whole;
  const head = headShare(load.shapes) * ms("ort decode");
  return ((ms("ort prefill 64") - head) / 64) * 400 + head;
}
