/**
 * The interface between the engine and a tuner, which know nothing of each other: what a shard
 * computes goes in, the variants of its kernels come out. The worker's entry joins the two.
 */
import type { KernelReport } from "../shared/index.ts";
import type { AttentionShape } from "./attention/attention-shape.ts";
import type { DeviceTraits } from "./core/device.ts";
import type { KernelVariants } from "./kernel-variants.ts";
import type { MatrixShape, Activations } from "./matmul/mat-variant.ts";
import type { ChunkRows } from "./core/step-uniform.ts";
import type { OtherWork } from "./core/timing.ts";

export type Tuner = {
  /** May measure a new device for about half a second. */
  traits(submitWhileWaiting: boolean): Promise<DeviceTraits>;
  /** Without measuring, from what was measured before. Call `traits` first. */
  choose(work: ShardWork): Promise<TunedShard>;
  /** Measures what `choose` lacked, while there is no `other` work. Rejects when `other.quiet` does. */
  measure(options: MeasureOptions): Promise<TunedShard>;
};

/** What a shard computes, as far as it decides which variants are fastest. */
export type ShardWork = {
  /** The products of all layers; gate and up of one format are one product. */
  readonly products: readonly MatrixShape[];
  readonly head: MatrixShape | null;
  readonly attention: AttentionShape;
  readonly activations: Activations;
  readonly weightBytes: number;
};

export type MeasureOptions = {
  readonly work: ShardWork;
  readonly other: OtherWork;
  readonly submitWhileWaiting: boolean;
  readonly onProgress: (done: number, total: number) => void;
};

/** The variants that a shard runs, and how many rows of a prompt its steps take. */
export type TunedShard = {
  readonly variants: KernelVariants;
  readonly maxRows: ChunkRows;
  /** The most to which a measurement may raise `maxRows`. */
  readonly maxRowsLimit: ChunkRows;
  /** What won, and by how much, as far as it is measured. */
  readonly kernels: KernelReport;
  /** Whether no measurement is missing. */
  readonly final: boolean;
};
