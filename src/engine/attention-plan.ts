/**
 * The KV cache of a shard and the dispatches from q, k, v to the attention's
 * output. Grows the cache by segments; everything else is made once.
 */
import type { AttentionShape } from "../kernels/attention-shape.ts";
import { attentionKernel, attentionReduceKernel } from "../kernels/attention.ts";
import { ropeKernel } from "../kernels/rope.ts";
import type { CompiledKernel, Kernel } from "../kernels/runner.ts";
import type { StepParams } from "../kernels/step-uniform.ts";
import type { ModelDescription } from "../model/description.ts";
import { layerCacheBytes } from "./cache-plan.ts";
import type { BoundKernel, GpuResources } from "./gpu-resources.ts";
import type { EngineVariants } from "./variants.ts";

/** Rows of a step up to which positions may be split: partial results have room for so many. */
export const SPLIT_ROWS = 8;
export const MAX_SPLITS = 16;

/** Buffers that the plan reads and writes; the same for all layers. */
export type AttentionBuffers = {
  readonly step: GPUBuffer;
  readonly queryKeyValue: GPUBuffer;
  readonly query: GPUBuffer;
  readonly table: GPUBuffer;
  readonly output: GPUBuffer;
};

type Compiled = { readonly kernel: Kernel<StepParams>; readonly compiled: CompiledKernel };

type LayerBinding = {
  readonly rope: BoundKernel<StepParams>;
  readonly plain: BoundKernel<StepParams>;
  readonly fused: BoundKernel<StepParams>;
};

export class AttentionPlan {
  readonly #resources: GpuResources;
  readonly #model: ModelDescription;
  readonly #shape: AttentionShape;
  readonly #variants: EngineVariants;
  readonly #buffers: AttentionBuffers;
  readonly #extras: readonly GPUBuffer[]; // [layers]
  readonly #kernels: { rope: Compiled; plain: Compiled; fused: Compiled };
  readonly #reduce: BoundKernel<StepParams>;
  readonly #sequences: number;
  /** [segments][layers]; segments not yet reached are one small buffer for all layers. */
  readonly #cache: GPUBuffer[][] = [];
  readonly #unreached: readonly GPUBuffer[];
  #layers: readonly LayerBinding[] = [];

  private constructor(
    resources: GpuResources,
    options: AttentionPlanOptions,
    kernels: { rope: Compiled; plain: Compiled; fused: Compiled },
    reduce: BoundKernel<StepParams>,
  ) {
    this.#resources = resources;
    this.#model = options.model;
    this.#shape = options.shape;
    this.#variants = options.variants;
    this.#buffers = options.buffers;
    this.#extras = options.extras;
    this.#sequences = options.sequences;
    this.#kernels = kernels;
    this.#reduce = reduce;
    const segments = options.shape.segmentStarts.length - 1;
    this.#unreached = Array.from({ length: segments }, () => resources.storage("unreached", 16));
    this.reach(1);
  }

  /** Compiles the kernels and makes the cache's first segment. */
  static async create(
    resources: GpuResources,
    options: AttentionPlanOptions,
  ): Promise<AttentionPlan> {
    const { shape, variants, buffers } = options;
    const compiled = async (kernel: Kernel<StepParams>): Promise<Compiled> => ({
      kernel,
      compiled: await resources.compile(kernel),
    });
    const [rope, plain, fused, reduce] = await Promise.all([
      compiled(ropeKernel(shape)),
      compiled(attentionKernel(shape, variants.prefillAttention)),
      compiled(attentionKernel(shape, variants.decodeAttention)),
      compiled(attentionReduceKernel(shape)),
    ]);
    const bound = resources.bind(reduce.kernel, reduce.compiled, [buffers.step, buffers.output]);
    return new AttentionPlan(resources, options, { rope, plain, fused }, bound);
  }

  /** Bytes of cache that are allocated now. */
  get cacheBytes(): number {
    return this.#cache.flat().reduce((sum, { size }) => sum + size, 0);
  }

  /** How the positions of a step are split, for its uniform. */
  splits(
    rows: number,
    longest: number,
    fused: boolean,
  ): { splits: number; splitPositions: number } {
    const { splitPositions, unsplitPositions } = this.#variants;
    if (!fused || rows > SPLIT_ROWS || longest <= unsplitPositions) {
      return { splits: 1, splitPositions: longest };
    }
    const splits = Math.min(MAX_SPLITS, Math.ceil(longest / splitPositions));
    return { splits, splitPositions: Math.ceil(longest / splits) };
  }

  /** Allocates the segments that hold the positions `[0, positions)`. Bind groups are made anew only then. */
  reach(positions: number): void {
    const starts = this.#shape.segmentStarts;
    const before = this.#cache.length;
    while (starts[this.#cache.length]! < positions) {
      const segment = this.#cache.length;
      const length = starts[segment + 1]! - starts[segment]!;
      const bytes = layerCacheBytes(this.#model, this.#sequences, length);
      this.#cache.push(
        this.#extras.map((_, layer) =>
          this.#resources.storage(`cache of layer ${layer}, segment ${segment}`, bytes),
        ),
      );
    }
    if (this.#cache.length > before) this.#layers = this.#extras.map((_, i) => this.#bind(i));
  }

  #bind(layer: number): LayerBinding {
    const { step, queryKeyValue, query, table, output } = this.#buffers;
    const segments = this.#unreached.map((unreached, s) => this.#cache[s]?.[layer] ?? unreached);
    const bound = ({ kernel, compiled }: Compiled, input: GPUBuffer, out: GPUBuffer) =>
      this.#resources.bind(kernel, compiled, [
        step,
        input,
        table,
        this.#extras[layer]!,
        out,
        ...segments,
      ]);
    const { rope, plain, fused } = this.#kernels;
    return {
      rope: bound(rope, queryKeyValue, query),
      plain: bound(plain, query, output),
      fused: bound(fused, queryKeyValue, output),
    };
  }

  /** Records one layer: `fused` when no two rows are of one sequence. */
  record(pass: GPUComputePassEncoder, layer: number, params: StepParams, fused: boolean): void {
    const bound = this.#layers[layer]!;
    if (fused) {
      bound.fused.record(pass, params);
    } else {
      bound.rope.record(pass, params);
      bound.plain.record(pass, params);
    }
    if (params.splits > 1) this.#reduce.record(pass, params);
  }
}

export type AttentionPlanOptions = {
  readonly model: ModelDescription;
  readonly shape: AttentionShape;
  readonly variants: EngineVariants;
  readonly buffers: AttentionBuffers;
  readonly extras: readonly GPUBuffer[]; // [layers]
  readonly sequences: number;
};
