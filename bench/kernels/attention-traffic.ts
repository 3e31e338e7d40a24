/**
 * The loads and exponentials of the attention kernels on a GPU, counted and not timed (noted-run.ts),
 * with the cache in one segment. Except for the threads, numbers are per pair of a query head and a
 * position, so that rows, contexts and kernels are comparable.
 */
import {
  attentionKernel,
  attentionOutputFloats,
  type AttentionShape,
  type AttentionVariant,
  attentionCandidates,
  lastRowsStep,
  queryKeyValueColumns,
  type StepParams,
  workgroupThreads,
} from "../../src/kernels/index.ts";
import { countSectors, runNoted, type Asked, type NotedRun } from "./noted-run.ts";

export type AttentionWork = {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** The last rows of `context` positions; one row is a decode step. */
  readonly rows: number;
  readonly context: number;
};

export type AttentionTraffic = {
  /** Threads of a step of one layer. */
  readonly threads: number;
  readonly keys: Asked;
  readonly values: Asked;
  /** Bytes of keys and values for a pair if each were read once in a step. */
  readonly leastBytes: number;
  readonly workgroupBytes: number;
  readonly exponentials: number;
  /** How many pairs were run and counted. */
  readonly pairs: number;
};

/** Indices of the sums (noting.ts). */
const PAIRS = 0;
const EXPONENTIALS = 1;

/** At least so many of the step's threads are run and counted. */
const COUNTED_THREADS = 64;

/** The kernels of a software adapter and of a GPU, and the former in the latter's workgroups. */
export function countedKernels(work: AttentionWork): readonly AttentionVariant[] {
  const features = {
    subgroups: false,
    integerDot: false,
    subgroupMinSize: 0,
    subgroupMaxSize: 0,
    maxInvocations: 256,
  };
  const use = work.rows === 1 ? "decode" : "prefill";
  const [software, gpu] = [true, false].flatMap((lowParallelism) =>
    attentionCandidates(use, work, features, { lowParallelism, float16Unpack: "builtin" }),
  );
  return [software!, { ...software!, workgroupSize: gpu!.workgroupSize }, gpu!];
}

/** Runs the first workgroups of a step and counts. */
export async function attentionTraffic(
  device: GPUDevice,
  work: AttentionWork,
  variant: AttentionVariant,
): Promise<AttentionTraffic> {
  const { heads, keyValueHeads, headSize, rows, context } = work;
  const params = lastRowsStep(variant, { rows, positions: context });
  const noting = notedAttention(work, variant, params);
  const { workgroupSize } = noting;
  const [groups] = noting.kernel.workgroups(params);
  const counted = Math.min(groups, Math.ceil(COUNTED_THREADS / workgroupSize));
  const noted = await runNoted(device, { ...noting, workgroups: [counted, 1, 1] });
  // All threads of a workgroup that work on the same pairs have added them.
  const pairs = noted.sums[PAIRS]! / (variant.kind === "workgroup" ? workgroupSize : 1);
  const isKey = (word: number) => Math.floor(word / (context * (headSize / 2))) % 2 === 0;
  const asked = (keys: boolean): Asked => {
    const { bytes, sectorBytes } = countSectors(
      noted.loads.filter(({ word }) => isKey(word) === keys),
    );
    return { bytes: bytes / pairs, sectorBytes: sectorBytes / pairs };
  };
  const all = heads * params.rows.reduce((sum, { position }) => sum + position + 1, 0);
  return {
    threads: groups * workgroupSize,
    keys: asked(true),
    values: asked(false),
    leastBytes: (keyValueHeads * context * headSize * 4) / all,
    workgroupBytes: noted.workgroupBytes / pairs,
    exponentials: noted.sums[EXPONENTIALS]! / pairs,
    pairs,
  };
}

function notedAttention(
  { rows, context, ...heads }: AttentionWork,
  variant: AttentionVariant,
  params: StepParams,
): Omit<NotedRun<StepParams>, "workgroups"> {
  const shape: AttentionShape = {
    ...heads,
    ropePairs: "interleaved",
    ropeDims: heads.headSize,
    scale: 1,
    bias: false,
    headNorm: false,
    epsilon: 0,
    segmentStarts: [0, context],
  };
  const kernel = attentionKernel(shape, variant);
  const zeros = (words: number) => new Uint32Array(words);
  return {
    kernel: { ...kernel, wgsl: withSums(kernel.wgsl) },
    params,
    inputs: [
      zeros(rows * queryKeyValueColumns(shape)),
      zeros(context * shape.ropeDims),
      zeros(4),
      { output: attentionOutputFloats(shape, rows, params.splits) },
      zeros(shape.keyValueHeads * context * shape.headSize),
    ],
    buffers: ["cache0"],
    workgroupSize: workgroupThreads(shape, variant),
  };
}

/** The text with the pairs and the exponentials added up. */
function withSums(wgsl: string): string {
  const end = /^ *let end = .*;$/m;
  if (!end.test(wgsl)) throw new Error("the kernel no longer names the end of its positions");
  const counted = wgsl
    .replace(end, `$&\n  add_note(${PAIRS}u, SHARED * (end - begin));`)
    .replace(/\bexp\(/g, "counted_exp(");
  return `${counted}
fn counted_exp(x: f32) -> f32 {
  add_note(${EXPONENTIALS}u, 1u);
  return exp(x);
}
`;
}
