/**
 * Weights as the matrix kernels read them, in GPU memory.
 *
 * A block is 32 weights of a row. Two planes, both row-major:
 *
 *   quants   array<vec4<u32>>, `vectors` of them a block. 4-bit formats: byte j of 16
 *            holds element j in its low and element j + 16 in its high half (as Q4_1);
 *            K-quants are put in that order too. 8-bit: 32 signed bytes. Wider: as is.
 *   meta     array<u32>: scales, minima and high bits, `metaWords` a row (see pack-blocks.ts)
 *
 * The bytes are GGUF's in another order, at most 1 % more (a Q6_K scale becomes f32; a row with an odd
 * number of blocks pads two bytes). A tensor larger than
 * one binding is split by rows into parts, each with its own buffers; the kernels
 * know the first row of their part. Nothing here knows layers or roles.
 *
 * Loading: `createWeights`, then `writeRows` (or `packedWrites`) chunk by chunk in any order.
 * Several tensors of one format share a `Weights` by rows (q|k|v): write each at
 * its own first row. Gate and up are interleaved: give both to one `writeRows`.
 * Tensors of different formats that belong together (Q4_K_M's value projection is
 * Q6_K in some layers) are separate `Weights` whose kernels write parts of one
 * output (see `MatUse.outputRow`): one dispatch for each format.
 */
import type { BlockFormat } from "../../tensor/index.ts";
import { packedRow, type PackedRows, packRows } from "./weights-pack.ts";

export type Weights = {
  readonly format: BlockFormat;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly WeightsPart[];
  readonly bytes: number;
};

export type WeightsPart = {
  readonly firstRow: number;
  readonly rows: number;
  readonly quants: GPUBuffer;
  readonly meta: GPUBuffer;
};

/** Bytes that `createWeights` allocates. */
export function weightsBytes(format: BlockFormat, rows: number, columns: number): number {
  const { quantBytes, metaWords } = packedRow(format, columns);
  return rows * (quantBytes + metaWords * 4);
}

/**
 * Allocates the planes. `partRows` bounds the rows of a part in tests; otherwise the
 * device's largest binding does. Every part but the last has an even number of rows.
 */
export function createWeights(
  device: GPUDevice,
  format: BlockFormat,
  rows: number,
  columns: number,
  partRows = Infinity,
): Weights {
  const { quantBytes, metaWords } = packedRow(format, columns);
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const bound = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  const fitting = Math.min(partRows, Math.floor(bound / Math.max(quantBytes, metaWords * 4)));
  const maxRows = Math.max(2, fitting - (fitting % 2));
  const parts: WeightsPart[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += maxRows) {
    const count = Math.min(maxRows, rows - firstRow);
    parts.push({
      firstRow,
      rows: count,
      quants: plane(device, `${format} quants`, count * quantBytes),
      meta: plane(device, `${format} meta`, Math.max(4, count * metaWords * 4)),
    });
  }
  return { format, rows, columns, parts, bytes: weightsBytes(format, rows, columns) };
}

function plane(device: GPUDevice, label: string, size: number): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  return device.createBuffer({ label, size: Math.ceil(size / 16) * 16, usage });
}

/**
 * Writes whole rows as they lie in a GGUF file. With several sources their rows
 * are interleaved: row i of source s becomes row `firstRow + i * sources.length + s`.
 */
export function writeRows(
  device: GPUDevice,
  weights: Weights,
  firstRow: number,
  sources: readonly Uint8Array[],
): void {
  const packed = packRows(weights.format, weights.columns, sources);
  for (const { buffer, offset, bytes } of packedWrites(weights, firstRow, packed))
    device.queue.writeBuffer(buffer, offset, bytes);
}

/** Where the whole words of packed rows are to be written. Throws a `RangeError` if they do not fit. */
export function packedWrites(
  { format, rows, columns, parts }: Weights,
  firstRow: number,
  packed: PackedRows,
) {
  const { quantBytes, metaWords } = packedRow(format, columns);
  const lastRow = firstRow + packed.quants.length / quantBytes;
  if (lastRow > rows) throw new RangeError(`rows [${firstRow}, ${lastRow}) do not fit in ${rows}`);
  return parts.flatMap((part) => {
    const from = Math.max(firstRow, part.firstRow);
    const end = Math.max(from, Math.min(lastRow, part.firstRow + part.rows));
    const write = (buffer: GPUBuffer, all: Uint8Array<ArrayBuffer>, perRow: number) => ({
      buffer,
      offset: (from - part.firstRow) * perRow,
      bytes: all.subarray((from - firstRow) * perRow, (end - firstRow) * perRow),
    });
    const planes = [
      write(part.quants, packed.quants, quantBytes),
      write(part.meta, packed.meta, metaWords * 4),
    ];
    return planes.filter(({ bytes }) => bytes.length > 0);
  });
}

export function destroyWeights(weights: Weights): void {
  for (const { quants, meta } of weights.parts) {
    quants.destroy();
    meta.destroy();
  }
}
