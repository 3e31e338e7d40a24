/**
 * The KV cache of a shard and the dispatches from q, k, v to the attention's output. Grows the cache
 * by segments; everything else is created once.
 */
import {
  attentionKernel,
  attentionReduceKernel,
  type AttentionShape,
  ropeKernel,
  splitsOf,
  type StepParams,
} from "../kernels/index.ts";
import type { Bind } from "./gpu-resources.ts";
import type { LayerBuffers, MatContext } from "./layer-plan.ts";

export type AttentionPlan = Awaited<ReturnType<typeof planAttention>>;

/** Compiles the kernels and makes the cache's first segment. `positionBytes` are of all sequences in one layer. */
export async function planAttention(
  { resources, variants }: MatContext,
  shape: AttentionShape,
  { step, queryKeyValue, query, attention: output }: LayerBuffers,
  table: GPUBuffer, // of the rotations (`rotationTable`)
  extras: readonly GPUBuffer[], // [layers]
  positionBytes: number,
) {
  const { decodeAttention, prefillAttention } = variants;
  const starts = shape.segmentStarts;
  const [rope, plain, fused, reduce] = await Promise.all([
    resources.compile(ropeKernel(shape)),
    resources.compile(attentionKernel(shape, prefillAttention)),
    resources.compile(attentionKernel(shape, decodeAttention)),
    resources.compile(attentionReduceKernel(shape, decodeAttention)),
  ]);
  const join = reduce([step, output]);
  /** [segments][layers]; for segments not yet reached, all layers share one small buffer. */
  const cache: GPUBuffer[][] = [];
  const unreached = starts.slice(1).map(() => resources.storage("unreached", 16));
  const bindLayers = () =>
    extras.map((extra, layer) => {
      const segments = unreached.map((buffer, s) => cache[s]?.[layer] ?? buffer);
      const bound = (bind: Bind<StepParams>, input: GPUBuffer, out: GPUBuffer) =>
        bind([step, input, table, extra, out, ...segments]);
      return {
        rope: bound(rope, queryKeyValue, query),
        plain: bound(plain, query, output),
        fused: bound(fused, queryKeyValue, output),
      };
    });
  let layers: ReturnType<typeof bindLayers> = [];
  const plan = {
    /** Bytes of the cache's allocated segments. */
    get cacheBytes(): number {
      return cache.flat().reduce((sum, { size }) => sum + size, 0);
    },

    /** How the positions of a step are split, for its uniform. */
    splits: (rows: number, longest: number, isFused: boolean) =>
      splitsOf(isFused ? decodeAttention : prefillAttention, rows, longest),

    /** Allocates the segments that hold the positions `[0, positions)`. True if there are new ones: layers are bound again. */
    reach(positions: number): boolean {
      const before = cache.length;
      while (starts[cache.length]! < positions) {
        const segment = cache.length;
        const length = starts[segment + 1]! - starts[segment]!;
        const label = (layer: number) => `cache of layer ${layer}, segment ${segment}`;
        const make = (layer: number) => resources.storage(label(layer), length * positionBytes);
        cache.push(extras.map((_, layer) => make(layer)));
      }
      if (cache.length === before) return false;
      layers = bindLayers();
      return true;
    },

    /** Records one layer: `isFused` when no two rows are of one sequence. */
    record(pass: GPUComputePassEncoder, layer: number, params: StepParams, isFused: boolean): void {
      const bound = layers[layer]!;
      if (!isFused) bound.rope.record(pass, params);
      bound[isFused ? "fused" : "plain"].record(pass, params);
      if (params.splits > 1) join.record(pass, params);
    },
  };
  plan.reach(1);
  return plan;
}
