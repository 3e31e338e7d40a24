/**
 * How many rows of a prompt one step takes on a device. Larger chunks have fewer launches and fill a
 * wide device; smaller ones let other answers run in between and keep the stages of a pipeline busy.
 * Pure.
 */
import { CHUNK_ROWS, type ChunkRows, type DeviceTraits, type ShardWork } from "../kernels/index.ts";

/** Before it is measured, a GPU's rate, in multiply-accumulates, is that of a small integrated one. */
const FIRST_MACS_PER_MS = 5e8;

/** Other answers wait for a chunk of a prompt; the smallest one takes a second on software adapters. */
const MAX_CHUNK_MS = { gpu: 500, software: 1500 };

/** The most rows of a chunk: wide GPUs need many to fill their cores. */
export const largestRows = ({ lowParallelism }: DeviceTraits): ChunkRows =>
  lowParallelism ? 256 : 512;

/**
 * As many rows as take `MAX_CHUNK_MS` in all products at `macsPerMs`, the rate of the fastest in
 * a prompt; null before it is measured.
 */
export function chunkRows(
  { products }: Pick<ShardWork, "products">,
  traits: DeviceTraits,
  macsPerMs: number | null,
): ChunkRows {
  const { lowParallelism } = traits;
  const macsPerRow = products.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const rate = macsPerMs ?? (lowParallelism ? 0 : FIRST_MACS_PER_MS);
  const maxMacs = MAX_CHUNK_MS[lowParallelism ? "software" : "gpu"] * rate;
  const fits = (rows: ChunkRows) => rows <= largestRows(traits) && rows * macsPerRow <= maxMacs;
  return CHUNK_ROWS.findLast(fits) ?? CHUNK_ROWS[0];
}
