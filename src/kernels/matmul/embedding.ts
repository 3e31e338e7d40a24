/**
 * Embedding lookup: the tokens' rows of the packed weights, which a tied head multiplies with. Host
 * code and reference.
 */
import { dequantize, rowBytes, type BlockFormat } from "../../tensor/index.ts";
import wgsl from "./embedding.wgsl?raw";
import { formatParts, highPlace } from "./mat-source.ts";
import type { Kernel } from "../core/runner.ts";
import { EARLIER_SAMPLE, packStep, STEP_WGSL, type StepParams } from "../core/step-uniform.ts";
import { expandTemplate } from "../core/template.ts";
import { packedRow, vectorsPerBlock } from "./weights-pack.ts";

/** One part of the weights; a table that is split by rows takes a dispatch for each part. */
export type EmbeddingShape = {
  readonly format: BlockFormat;
  readonly columns: number;
  readonly firstRow: number;
  readonly rows: number;
};

/** Bindings: 1 quants, 2 meta, 3 out, 4 the tokens that the step before sampled. */
export function embeddingKernel(shape: EmbeddingShape): Kernel<StepParams> {
  const { format, columns, firstRow, rows } = shape;
  const values = {
    r: 0, // of the rows that a thread has
    EARLIER_SAMPLE,
    BLOCKS: columns / 32,
    META_WORDS: packedRow(format, columns).metaWords,
    VECTORS: vectorsPerBlock(format),
    HIGH: highPlace(format),
  };
  return {
    name: `embedding_${format}`,
    wgsl: expandTemplate(wgsl, values, { ...formatParts(format), step: STEP_WGSL }),
    constants: { FIRST: firstRow, PART_ROWS: rows },
    packParams: packStep,
    workgroups: (step) => [Math.ceil((step.rows.length * columns) / 32 / 64), 1, 1],
  };
}

/**
 * The reference: [rows, columns]; `table` holds all rows as they lie in a GGUF file, `sampled` the
 * tokens of the step before.
 */
export function embeddingReference(
  format: BlockFormat,
  columns: number,
  table: Uint8Array,
  { rows }: StepParams,
  sampled: Uint32Array,
): Float32Array {
  const bytes = rowBytes(format, columns);
  const out = new Float32Array(rows.length * columns);
  rows.forEach(({ token: word }, i) => {
    const token = word >= EARLIER_SAMPLE ? sampled[word - EARLIER_SAMPLE]! : word;
    out.set(dequantize(format, table.subarray(token * bytes, (token + 1) * bytes)), i * columns);
  });
  return out;
}
