/**
 * The host half of the attention kernels, and their reference.
 *
 * Two forms: with the rotation and the cache write fused in, for steps in which every sequence has one
 * row (decode), and without, after rope.wgsl, for steps whose rows attend to each other (prefill).
 * Kernels for both: `threads` without workgroup memory or barriers (software adapters), `workgroup`
 * for GPUs. Where a subgroup is a CPU's register, `lanes` (decode: four lanes for a row) and `quads`
 * (prefill: a lane for each of four rows) load a key or value once for four lanes.
 */
import { SHAPE_PARTS, shapeValues, type AttentionShape } from "./attention-shape.ts";
import partsFile from "./attention-parts.wgsl?raw";
import quadsWgsl from "./attention-quads.wgsl?raw";
import reduceWgsl from "./attention-reduce.wgsl?raw";
import threadsWgsl from "./attention-threads.wgsl?raw";
import workgroupWgsl from "./attention-workgroup.wgsl?raw";
import { ropeReference, type AttentionInput, type CacheReference } from "./rope.ts";
import type { Kernel } from "../core/runner.ts";
import { MAX_ROWS, packStep, type StepParams } from "../core/step-uniform.ts";
import { expandTemplate, partsOf, sectionsOf } from "../core/template.ts";

export type AttentionVariant = {
  /** "lanes" is always fused, "quads" never; both use subgroups (`fitsSubgroups`). */
  readonly kind: "threads" | "lanes" | "quads" | "workgroup";
  /** Rotation and cache write are part of the kernel: at most one row for each sequence. */
  readonly fused: boolean;
  /** Positions that share one rescaling of the accumulators. */
  readonly block: number;
  readonly workgroupSize: number;
  /** The smallest subgroup, which "workgroup" uses where it holds whole teams; 0: it does not. */
  readonly subgroup?: number;
};

const PARTS = sectionsOf(partsFile);

const WGSL = {
  threads: threadsWgsl,
  lanes: threadsWgsl,
  quads: quadsWgsl,
  workgroup: workgroupWgsl,
};

/** Whether "lanes" and "quads" can divide a head into four whole parts. */
export const fitsSubgroups = ({ headSize }: Pick<AttentionShape, "headSize">) =>
  headSize % 32 === 0;

/** Accumulators of one thread: more spill, and compile for seconds on software adapters. */
const MAX_SHARED_NUMBERS = 192;
/** Query heads of a prompt's workgroup: a thread has eight numbers of each. */
const MAX_TEAM_HEADS = 8;

/** Offset in `out`, in floats, of the partial results of splits. */
export const partialBase = (shape: AttentionShape) => MAX_ROWS * shape.heads * shape.headSize;

/** Query heads of one thread or workgroup: a divisor of the heads that share a key. */
function sharedHeads(
  { heads, keyValueHeads, headSize }: AttentionShape,
  maxNumbers: number,
): number {
  const group = heads / keyValueHeads;
  for (let shared = group; shared > 1; shared--) {
    if (group % shared === 0 && shared * headSize <= maxNumbers) return shared;
  }
  return 1;
}

/**
 * How "workgroup" divides its threads. At decode each query head has a workgroup of its own, since
 * there are too few of them to fill a GPU; in a prompt the heads of a key share its loads.
 */
function teamsOf(
  shape: AttentionShape,
  { workgroupSize, fused, block, subgroup = 0 }: AttentionVariant,
) {
  const lanes = shape.headSize / 8;
  const teams = Math.floor(workgroupSize / lanes);
  const shared = fused ? 1 : sharedHeads(shape, MAX_TEAM_HEADS * shape.headSize);
  const steps = Math.log2(lanes);
  const shuffles = lanes <= subgroup && Number.isInteger(steps);
  const scores = shuffles ? 0 : block * shared * lanes;
  const values = {
    WORKGROUP: teams * lanes,
    TEAMS: teams,
    STEPS: steps,
    QUADS: (shared * shape.headSize) / 4,
    SHARES: teams * Math.max(scores, shape.headSize),
  };
  return { teams, shared, shuffles, values };
}

/** f32 that `out` holds: the result, and the partial results of `splits` for `splitRows` rows. */
export function attentionOutputFloats(
  shape: AttentionShape,
  splitRows: number,
  splits: number,
): number {
  return partialBase(shape) + splitRows * shape.heads * splits * (shape.headSize + 2);
}

/** Bindings: 1 qkv (or query when not fused), 2 table, 3 extras, 4 out, 5.. the cache's segments. */
export function attentionKernel(
  shape: AttentionShape,
  variant: AttentionVariant,
): Kernel<StepParams> {
  const { kind, block, workgroupSize, fused } = variant;
  const team = kind === "workgroup" ? teamsOf(shape, variant) : null;
  const isLanes = kind === "lanes";
  const stride = isLanes ? 4 : 1;
  const shared = team?.shared ?? sharedHeads(shape, stride * MAX_SHARED_NUMBERS);
  const partCount = shape.heads / shared;
  const values = {
    ...shapeValues(shape),
    PARTS: partCount,
    SHARED: shared,
    WORKGROUP: workgroupSize,
    ENABLE: isLanes || team?.shuffles ? "enable subgroups;\n" : "",
    PARTIAL_BASE: partialBase(shape),
    OCTETS: shape.headSize / stride / 8,
    FOURS: team === null ? shape.headSize / stride / 4 : 2,
    LANE: isLanes ? "(lane_id & 3u)" : "0u",
    UNIT_ARGUMENTS: isLanes
      ? "  @builtin(workgroup_id) id: vec3<u32>,\n  @builtin(subgroup_invocation_id) lane_id: u32,"
      : "  @builtin(global_invocation_id) id: vec3<u32>,",
    STRIDE: stride,
    SIXTEENS: Math.floor(shape.headSize / 16),
    BLOCK: block,
    UNIT: team === null ? "0x1p112f" : "1.0",
    ...team?.values,
  };
  const kinds = [
    kind === "quads" ? "quads" : "own",
    ...(isLanes ? ["lanes"] : []),
    fused ? "fused" : "plain",
    ...(fused ? [team === null ? "fused-threads" : "fused-workgroup"] : []),
    team?.shuffles ? "shuffle" : "memory",
    team === null ? "shift" : "builtin",
  ];
  const parts = { ...SHAPE_PARTS, ...partsOf(PARTS, ...kinds) };
  return {
    name: `attention_${kind}${fused ? "_fused" : ""}`,
    wgsl: expandTemplate(WGSL[kind], values, parts),
    packParams: packStep,
    workgroups: ({ rows, splits }) => {
      if (kind === "quads") return [Math.ceil(rows.length / 4) * partCount, 1, 1];
      const units = rows.length * partCount * splits;
      return [team === null ? Math.ceil((units * stride) / workgroupSize) : units, 1, 1];
    },
  };
}

/** Threads that join the parts of a head on a GPU, in whole teams of a head's size. */
const REDUCE_THREADS = 256;
/** Partial results that a thread loads at once. */
const REDUCE_AT_ONCE = 4;

/** Joins the partial results of `variant` when a step has more than one split. Binding 1: out. */
export function attentionReduceKernel(
  shape: AttentionShape,
  { kind }: Pick<AttentionVariant, "kind">,
): Kernel<StepParams> {
  const values = {
    DIM: shape.headSize,
    TEAMS: kind === "workgroup" ? Math.floor(REDUCE_THREADS / shape.headSize) : 1,
    AT_ONCE: REDUCE_AT_ONCE,
    PARTIAL_BASE: partialBase(shape),
  };
  return {
    name: "attention_reduce",
    wgsl: expandTemplate(reduceWgsl, values, SHAPE_PARTS),
    packParams: packStep,
    workgroups: ({ rows }) => [rows.length * shape.heads, 1, 1],
  };
}

/**
 * The reference of rope.wgsl followed by attention over all positions up to each row's own:
 * [rows, heads * headSize]. Writes the rows' keys and values first.
 */
export function attentionReference(
  shape: AttentionShape,
  input: AttentionInput,
  cache: CacheReference,
  params: StepParams,
): Float32Array {
  const { heads, keyValueHeads, headSize } = shape;
  const query = ropeReference(shape, input, cache, params);
  const out = new Float32Array(params.rows.length * heads * headSize);
  params.rows.forEach(({ sequence, position }, row) => {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / keyValueHeads));
      const start = (row * heads + head) * headSize;
      const scores: number[] = [];
      for (let p = 0; p <= position; p++) {
        const key = cache.read(sequence, kvHead, "k", p);
        scores.push(key.reduce((sum, k, e) => sum + k * query[start + e]!, 0));
      }
      const maxScore = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - maxScore));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let e = 0; e < headSize; e++) {
        let sum = 0;
        for (let p = 0; p <= position; p++) {
          sum += weights[p]! * cache.read(sequence, kvHead, "v", p)[e]!;
        }
        out[start + e] = sum / total;
      }
    }
  });
  return out;
}
