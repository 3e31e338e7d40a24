/**
 * The engine's interface: a shard on a GPU, and one step over a batch of rows.
 *
 * A row is one token of one generation, with its own position and its own sequence in the KV cache.
 * Rows of one sequence in a step have consecutive positions. Prefill is a step with many rows of one
 * sequence; decode is one row for each generation; a step may mix them.
 */
import type { SampleOutcome } from "../kernels/index.ts";
import type { ShardDescription } from "../model/index.ts";
import type { EngineFailure, KernelReport, Sampling, ShardBytes } from "../shared/index.ts";
import type { Counters } from "./counters.ts";

export type ShardOptions = {
  /** The most tokens that a sequence can hold. */
  readonly contextTokens: number;
  /** Sequences that may exist at once; their numbers are [0, sequences). */
  readonly sequences: number;
  readonly activations: "float" | "int8";
  /** Bytes that weights, cache and scratch may use together. */
  readonly memoryBudgetBytes: number;
  /** Submit empty command lists while a readback is pending; the probe measures where that helps. */
  readonly submitWhileWaiting: boolean;
};

/**
 * A token, or an index into the sampled rows of the previous step, for the token that was sampled
 * there. So the next step can be submitted before that token has been read.
 */
export type StepToken = number | { readonly earlierSample: number };

export type StepRow = {
  readonly sequence: number;
  /** Index in the sequence, from 0. Writing a position again overwrites it. */
  readonly position: number;
  /** What stage 0 embeds; ignored by the others. */
  readonly token: StepToken;
  /** Set on the last stage for rows whose next token is requested; null elsewhere. */
  readonly sample: SampleRequest | null;
};

export type SampleRequest = {
  readonly sampling: Sampling;
  /** Uniform in [0, 1), from the seed and the position, so that a repeated step repeats the choice. */
  readonly random: number;
  /** The last `sampling.penaltyTokens` tokens of prompt and answer; may be empty without penalties. */
  readonly recentTokens: Uint32Array;
};

export type SampledToken = SampleOutcome & { readonly row: number }; // index into the step's rows

export type StepResult =
  /** For the next stage; [rows, hidden] row-major. */
  | { readonly kind: "hidden"; readonly hidden: Float32Array<ArrayBuffer> }
  | { readonly kind: "tokens"; readonly tokens: readonly SampledToken[] };

/** Counts since the shard was loaded; the difference of two readings is a step's cost. */
export type EngineCounters = Readonly<Counters>;

/** Called when the device fails outside a call; `lost` if it is gone. */
export type OnDeviceError = (failure: EngineFailure, lost: boolean) => void;

export type LoadProgress = {
  readonly phase: "downloading" | "uploading" | "compiling";
  readonly doneBytes: number;
  readonly totalBytes: number;
};

export type Shard = {
  readonly description: ShardDescription;
  readonly options: ShardOptions;
  /** The largest number of rows that one step takes; may rise once, when `tuned` resolves. */
  readonly maxRows: number;
  /** Which variant runs which work, and its speed beside the others. */
  readonly kernels: KernelReport;
  /**
   * A first guess runs until the variants have been measured between steps, and batches are
   * multiplied row by row until their own kernels are compiled. Resolves when both are done, at once
   * if there is nothing to do. Never rejects.
   */
  readonly tuned: Promise<void>;
  /** Called when `kernels` changes. */
  onKernels: ((kernels: KernelReport) => void) | null;
  /**
   * Runs the layers over `rows`. `hidden` is [rows.length, hidden] and required
   * unless this is stage 0. Steps run in the order of the calls.
   */
  step(rows: readonly StepRow[], hidden: Float32Array | null): Promise<StepResult>;
  /**
   * Call it while no row waits. After two steps of as many rows, one for each generation, encodes the
   * commands of another, which then only has to be submitted when its rows come.
   */
  encodeAhead(): void;
  /**
   * The part of the steps' time that the GPU was busy, by its timestamps, since the last call; null
   * without timestamps, or without a step.
   */
  gpuShare(): number | null;
  counters(): EngineCounters;
  memory(): ShardBytes;
  /** Frees everything; pending steps reject with an `EngineError`. */
  destroy(): void;
};
