/** The driver's requests to the engine's page, and the replies. All of them can be cloned. */
import type { EngineCounters } from "../../src/engine/index.ts";
import type { MatrixShapes } from "../peers/ort-graph.ts";
import type { Adapter, KernelReport, Measurements, ShardBytes } from "../../src/shared/index.ts";

export type LoadRequest = {
  readonly kind: "load";
  readonly modelUrl: string;
  readonly contextTokens: number;
  readonly sequences: number;
  readonly activations: "float" | "int8";
};

export type EngineRequest =
  | { readonly kind: "probe" }
  | LoadRequest
  /** Prompts of `tokens` from position 0 to the first sampled token, for `durationMs`. */
  | { readonly kind: "prefill"; readonly tokens: number; readonly durationMs: number }
  /** Fills sequence 0 to `tokens` by ordinary prefill, from `from`. */
  | { readonly kind: "fill"; readonly from: number; readonly tokens: number }
  /** `steps` steps of one row at each of the contexts in turn, `rounds` times. */
  | {
      readonly kind: "decode";
      readonly contexts: readonly number[];
      readonly steps: number;
      readonly rounds: number;
    }
  /** As a shard of all layers answers: `inFlight` steps are submitted before the first is read. */
  | {
      readonly kind: "ahead";
      readonly context: number;
      readonly durationMs: number;
      readonly inFlight: number;
    }
  /** `steps` steps with one row and with `rows` of as many sequences, in turn. */
  | {
      readonly kind: "batch";
      readonly rows: number;
      readonly context: number;
      readonly steps: number;
      readonly rounds: number;
    }
  /** The fixed cost of a step: shards without layers, with and without the head. */
  | { readonly kind: "fixed"; readonly steps: number }
  /** What the phases of a load of this file cost; null without storage. */
  | { readonly kind: "phases"; readonly modelUrl: string }
  /** Milliseconds by kernel of a step of `rows` rows at `context`. */
  | { readonly kind: "profile"; readonly rows: number; readonly context: number };

export type LoadReply = {
  readonly loadMs: number;
  readonly openMs: number;
  /** From the start of the load to the last report of each phase. */
  readonly phasesMs: Readonly<Record<string, number>>;
  readonly memory: ShardBytes;
  readonly kernels: KernelReport;
  readonly maxRows: number;
  readonly counters: EngineCounters;
  /** Of the model's products, for peers that run only these. */
  readonly shapes: MatrixShapes;
};

export type DecodeReply = {
  /** Milliseconds of each step, by context. */
  readonly stepMs: Readonly<Record<string, readonly number[]>>;
  /** Of the last step at the first context. */
  readonly counters: EngineCounters;
  readonly memory: ShardBytes;
};

/** `gpuMs`: the GPU's part of a step; null without timestamps. */
export type AheadReply = { readonly stepMs: number; readonly gpuMs: number | null };

/** What each phase of a load costs by itself, in ns per byte. */
export const LOAD_PHASES = ["fetch", "hash", "store", "read", "pack", "upload", "mapped"] as const;
export type LoadPhases = Readonly<Record<(typeof LOAD_PHASES)[number], number>>;

/** One kind of dispatch in a step. */
export type KernelProfile = {
  readonly name: string;
  readonly dispatches: number;
  readonly workgroups: number;
  /** All its dispatches in one step, in one submit of their own. */
  readonly ms: number;
  /** Multiply-accumulates; null for other kernels than products and attention. */
  readonly macs: number | null;
  /** Bytes of weights or cache that it has to read. */
  readonly bytes: number | null;
};

export type ProfileReply = {
  readonly rows: number;
  readonly context: number;
  readonly stepMs: number;
  /** Whether the replays' times are between timestamps of the GPU, not by the wall. */
  readonly timestamps: boolean;
  /** All recorded dispatches, replayed in one submit. */
  readonly replayMs: number;
  readonly kernels: readonly KernelProfile[];
};

export type ProbeReply = { readonly adapter: Adapter; readonly measurements: Measurements };

export type EngineReply =
  | ProbeReply
  | LoadReply
  | DecodeReply
  | ProfileReply
  | { readonly ms: readonly number[] }
  | AheadReply
  | { readonly phases: LoadPhases | null }
  | { readonly fillMs: number; readonly memory: ShardBytes }
  | { readonly oneMs: readonly number[]; readonly manyMs: readonly number[] }
  | { readonly bareMs: readonly number[]; readonly headMs: readonly number[] };
