/**
 * The KV cache of a shard and the dispatches from q, k, v to the attention's output. Grows the cache
 * by segments; everything else is created once.
 */
import {
  attentionKernel,
  attentionReduceKernel,
  type AttentionShape,
  type AttentionVariant,
  type CompiledKernel,
  type Kernel,
  type KernelVariants,
  ropeKernel,
  splitsOf,
  type StepParams,
} from "../kernels/index.ts";
import type { ModelDescription } from "../model/index.ts";
import { layerCacheBytes } from "./cache-plan.ts";
import type { BoundKernel, GpuResources } from "./gpu-resources.ts";

/** Buffers that the plan reads and writes; the same for all layers. */
export type AttentionBuffers = {
  readonly step: GPUBuffer;
  readonly queryKeyValue: GPUBuffer;
  readonly query: GPUBuffer;
  readonly table: GPUBuffer;
  readonly output: GPUBuffer;
};

type AttentionChoice = Pick<KernelVariants, "decodeAttention" | "prefillAttention">;

type Compiled = {
  readonly variant: AttentionVariant;
  readonly kernel: Kernel<StepParams>;
  readonly compiled: CompiledKernel;
};

/** The kernels of a choice, compiled. */
type AttentionKernels = { readonly plain: Compiled; readonly fused: Compiled };

type LayerBinding = {
  readonly rope: BoundKernel<StepParams>;
  readonly plain: BoundKernel<StepParams>;
  readonly fused: BoundKernel<StepParams>;
};

export class AttentionPlan {
  readonly #resources: GpuResources;
  readonly #options: AttentionPlanOptions;
  readonly #rope: Omit<Compiled, "variant">;
  readonly #reduce: BoundKernel<StepParams>;
  /** [segments][layers]; for segments not yet reached, all layers share one small buffer. */
  readonly #cache: GPUBuffer[][] = [];
  readonly #unreached: readonly GPUBuffer[];
  readonly #kernels: AttentionKernels;
  #layers: readonly LayerBinding[] = [];

  private constructor(
    resources: GpuResources,
    options: AttentionPlanOptions,
    rope: Omit<Compiled, "variant">,
    kernels: AttentionKernels,
    reduce: BoundKernel<StepParams>,
  ) {
    this.#resources = resources;
    this.#options = options;
    this.#rope = rope;
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
    const [rope, kernels, reduce] = await Promise.all([
      compile(resources, ropeKernel(shape)),
      compileChoice(resources, shape, variants),
      compile(resources, attentionReduceKernel(shape, variants.decodeAttention)),
    ]);
    const bound = resources.bind(reduce.kernel, reduce.compiled, [buffers.step, buffers.output]);
    return new AttentionPlan(resources, options, rope, kernels, bound);
  }

  /** Bytes of the cache's allocated segments. */
  get cacheBytes(): number {
    return this.#cache.flat().reduce((sum, { size }) => sum + size, 0);
  }

  /** How the positions of a step are split, for its uniform. */
  splits(
    rows: number,
    longest: number,
    fused: boolean,
  ): { splits: number; splitPositions: number } {
    const { fused: decode, plain } = this.#kernels;
    return splitsOf((fused ? decode : plain).variant, rows, longest);
  }

  /** Allocates the segments that hold the positions `[0, positions)`, and rebinds if there are new ones. */
  reach(positions: number): void {
    const starts = this.#options.shape.segmentStarts;
    const before = this.#cache.length;
    while (starts[this.#cache.length]! < positions) {
      const segment = this.#cache.length;
      const length = starts[segment + 1]! - starts[segment]!;
      const bytes = layerCacheBytes(this.#options.model, this.#options.sequences, length);
      this.#cache.push(
        this.#options.extras.map((_, layer) =>
          this.#resources.storage(`cache of layer ${layer}, segment ${segment}`, bytes),
        ),
      );
    }
    if (this.#cache.length > before) this.#bindLayers();
  }

  #bindLayers(): void {
    const { queryKeyValue, query, output } = this.#options.buffers;
    const { plain, fused } = this.#kernels;
    this.#layers = this.#options.extras.map((_, layer) => {
      const segments = this.#unreached.map((unreached, s) => this.#cache[s]?.[layer] ?? unreached);
      return {
        rope: this.#bound(this.#rope, layer, queryKeyValue, query, segments),
        plain: this.#bound(plain, layer, query, output, segments),
        fused: this.#bound(fused, layer, queryKeyValue, output, segments),
      };
    });
  }

  #bound(
    { kernel, compiled }: Omit<Compiled, "variant">,
    layer: number,
    input: GPUBuffer,
    output: GPUBuffer,
    segments: readonly GPUBuffer[],
  ): BoundKernel<StepParams> {
    const { step, table } = this.#options.buffers;
    const extras = this.#options.extras[layer]!;
    const buffers = [step, input, table, extras, output, ...segments];
    return this.#resources.bind(kernel, compiled, buffers);
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

async function compile(resources: GpuResources, kernel: Kernel<StepParams>) {
  return { kernel, compiled: await resources.compile(kernel) };
}

async function compileChoice(
  resources: GpuResources,
  shape: AttentionShape,
  { decodeAttention, prefillAttention }: AttentionChoice,
): Promise<AttentionKernels> {
  const compiled = async (variant: AttentionVariant): Promise<Compiled> => ({
    variant,
    ...(await compile(resources, attentionKernel(shape, variant))),
  });
  const [plain, fused] = await Promise.all([prefillAttention, decodeAttention].map(compiled));
  return { plain: plain!, fused: fused! };
}

export type AttentionPlanOptions = {
  readonly model: ModelDescription;
  readonly shape: AttentionShape;
  readonly variants: KernelVariants;
  readonly buffers: AttentionBuffers;
  readonly extras: readonly GPUBuffer[]; // [layers]
  readonly sequences: number;
};
