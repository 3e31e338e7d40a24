/**
 * A loaded shard: one step is a few writes, one pass and submit (on an idle GPU a few), and one
 * readback. Everything that it records was created at load.
 */
import {
  destroyWeights,
  earlierSample,
  packStep,
  stepBytes,
  type Weights,
  resultBytes,
  type SampleParams,
  unpackResult,
} from "../kernels/index.ts";
import type { ShardDescription } from "../model/index.ts";
import type { KernelReport, ShardBytes } from "../shared/index.ts";
import type { DeviceWatch } from "./device-watch.ts";
import { EngineError } from "./engine-error.ts";
import { GpuTimer } from "./gpu-timer.ts";
import type { LayerPlan } from "./layer-plan.ts";
import type { Readback } from "./readback.ts";
import { checkStep } from "./step-check.ts";
import { StepCommands, type StepPlan } from "./step-commands.ts";
import type { EngineCounters, Shard, ShardOptions, StepResult, StepRow } from "./types.ts";

/** What `loadShard` built. */
export type ShardParts = StepPlan & {
  readonly description: ShardDescription;
  readonly options: ShardOptions;
  readonly maxRows: number;
  /** What `maxRows` may rise to: the rows for which there are scratch buffers. */
  readonly scratchRows: number;
  readonly kernels: KernelReport;
  readonly watch: DeviceWatch;
  readonly step: GPUBuffer;
  readonly x: GPUBuffer;
  readonly readback: Readback;
  readonly weights: readonly Weights[];
  readonly scratchBytes: number;
};

/**
 * Parts of a step on an idle GPU. The browser takes about 10 us to encode and submit each dispatch,
 * often longer than the GPU runs it: the GPU computes one part while the next is encoded.
 */
const PARTS = 4;

/** A row whose next token is requested. */
type Wanted = SampleParams & { readonly row: number };

export class GpuShard implements Shard {
  tuned: Promise<void> = Promise.resolve();
  onKernels: Shard["onKernels"] = null;
  readonly description: ShardDescription;
  readonly options: ShardOptions;
  readonly #parts: ShardParts;
  readonly #timer: GpuTimer | null;
  /** When the last step finished. */
  #endMs = -Infinity;
  readonly #commands: StepCommands;
  #maxRows: number;
  #kernels: KernelReport;
  #running = 0;
  /** Samples of the last step that was submitted. */
  #earlierSamples = 0;

  constructor(parts: ShardParts) {
    this.#parts = parts;
    this.#timer = GpuTimer.open(parts.resources);
    this.description = parts.description;
    this.options = parts.options;
    this.#commands = new StepCommands(parts);
    this.#maxRows = parts.maxRows;
    this.#kernels = parts.kernels;
  }

  get maxRows() {
    return this.#maxRows;
  }
  get kernels() {
    return this.#kernels;
  }
  /** Replaces the report of the kernels. */
  describe(kernels: KernelReport): void {
    this.#kernels = kernels;
    this.onKernels?.(kernels);
  }
  get failure() {
    return this.#parts.watch.failure;
  }
  /** Steps that have not finished. */
  get running() {
    return this.#running;
  }

  /** From the next step on: other variants of the matrices, and as many rows as scratch allows. */
  adopt(layers: readonly LayerPlan[], maxRows: number, kernels: KernelReport): void {
    this.#commands.adopt(layers);
    this.#maxRows = Math.min(maxRows, this.#parts.scratchRows);
    this.describe(kernels);
  }

  async step(rows: readonly StepRow[], hidden: Float32Array | null): Promise<StepResult> {
    const { description, watch } = this.#parts;
    if (watch.failure !== null) throw watch.failure;
    checkStep(this, rows, hidden, this.#earlierSamples);
    const wanted = rows.flatMap(({ sample }, row) =>
      sample === null ? [] : [{ ...sample, ...sample.sampling, row }],
    );
    // Everything is queued before the first await, so that steps run in the order of the calls.
    const submittedMs = performance.now();
    const { read, isTimed } = this.#submit(rows, hidden, wanted);
    if (read === null) return { kind: "tokens", tokens: [] };
    this.#running++;
    const bytes = await watch.guard(read()).finally(() => this.#running--);
    // Behind another step in flight, a step starts when that one has finished.
    const startMs = Math.max(submittedMs, this.#endMs);
    this.#endMs = performance.now();
    if (isTimed) void this.#timer?.finish(this.#endMs - startMs);
    if (description.head === null) return { kind: "hidden", hidden: new Float32Array(bytes) };
    const outcomes = unpackResult(bytes, wanted);
    return { kind: "tokens", tokens: outcomes.map((one, i) => ({ ...one, row: wanted[i]!.row })) };
  }

  /** Not on a software adapter, whose cores carry the rows to the next stage meanwhile. */
  encodeAhead(): void {
    if (this.failure !== null || this.#running > 0 || this.#kernels.traits.lowParallelism) return;
    this.#commands.encodeAhead(this.#partsOf(false), this.options.contextTokens);
  }

  #submit(
    rows: readonly StepRow[],
    hidden: Float32Array | null,
    wanted: readonly Wanted[],
  ): { readonly read: (() => Promise<ArrayBuffer>) | null; readonly isTimed: boolean } {
    const { description, resources, sample, readback, x } = this.#parts;
    const params = this.#commands.params(
      rows.map(({ sequence, position, token }) => ({
        sequence,
        position,
        token: typeof token === "number" ? token : earlierSample(token.earlierSample),
      })),
      wanted.map(({ row }) => row),
    );
    this.#earlierSamples = wanted.length;
    resources.write(this.#parts.step, new Uint8Array(packStep(params), 0, stepBytes(rows.length)));
    if (description.embedding === null) resources.write(x, new Float32Array(hidden!));
    if (wanted.length > 0) sample!.write(wanted);

    const isRead = description.head === null || wanted.length > 0;
    const pass = isRead ? this.#timer?.begin() : undefined;
    const isTimed = pass !== undefined;
    const parts = this.#partsOf(isTimed);
    const encoder = this.#commands.encode(params, parts, pass, (part) => this.#send(part));
    if (isTimed) this.#timer?.resolve(encoder);
    let read: (() => Promise<ArrayBuffer>) | null = null;
    if (description.head === null) {
      read = readback.record(encoder, x, rows.length * description.model.hidden * 4, rows.length);
    } else if (wanted.length > 0) {
      read = readback.record(encoder, sample!.result, resultBytes(wanted), rows.length);
    }
    this.#send(encoder);
    resources.counters.steps++;
    return { read, isTimed };
  }

  /** A timed step is one part: between parts the GPU may wait. */
  #partsOf(isTimed: boolean): number {
    const isAlone = this.#running === 0 && !this.#kernels.traits.lowParallelism;
    return isAlone && !isTimed ? PARTS : 1;
  }

  #send(encoder: GPUCommandEncoder): void {
    const { resources } = this.#parts;
    resources.device.queue.submit([encoder.finish()]);
    resources.counters.submits++;
  }

  gpuShare(): number | null {
    return this.#timer?.share() ?? null;
  }

  counters(): EngineCounters {
    return { ...this.#parts.resources.counters };
  }

  memory(): ShardBytes {
    const { weights, attention, scratchBytes } = this.#parts;
    return {
      weightBytes: weights.reduce((sum, { bytes }) => sum + bytes, 0),
      cacheBytes: attention.cacheBytes,
      scratchBytes,
    };
  }

  destroy(): void {
    const { watch, resources, weights } = this.#parts;
    watch.fail(new EngineError({ reason: "shard_unloaded" }));
    watch.stop();
    this.#timer?.destroy();
    for (const matrix of weights) destroyWeights(matrix);
    resources.destroy();
  }
}
