/** What the driver asks a page to time, and what it gets. */
import type { MatVariant, Workload } from "../../src/kernels/index.ts";
import type { MatJob } from "../../src/tuner/index.ts";

export type MatCase = MatJob & {
  readonly kind: "product";
  readonly tokens: number;
  readonly workload: Workload;
  /** Replaces the workload's candidates. */
  readonly variants?: readonly MatVariant[];
};

export type NormCase = {
  readonly kind: "norms";
  readonly columns: number;
  readonly tokens: number;
};
export type BenchCase = MatCase | NormCase;

/** What the driver asks for; candidates of software adapters are not timed on GPUs. */
export type BenchRequest = { readonly work: BenchCase; readonly isGpu: boolean };

export type Timing = {
  readonly variant: string;
  readonly compileMs: number;
  /** The fastest of several runs, in a chain of dispatches. */
  readonly microseconds: number;
  /** Multiply-accumulates, and bytes of weights; 0 for a norm. */
  readonly macs: number;
  readonly weightBytes: number;
  /** Whether a shard runs it, unless its tuner finds better. */
  readonly isChosen: boolean;
};
