/**
 * A copy of a GGUF with F32 weights: each block dequantized exactly as llama.cpp does
 * (test/goldens/dequantize checks that). With these weights llama.cpp multiplies floats
 * with floats; with quantized weights it also rounds the activations to 8 bits. The
 * difference of the two answers is the effect of that rounding.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { gguf } from "@huggingface/gguf";
import { BLOCK_FORMATS, type BlockFormat, rowBytes, dequantize } from "../../src/tensor/index.ts";

const ALIGNMENT = 32;

/** Writes the copy of `from` to `to`. The metadata is copied byte for byte. */
export async function writeFloatModel(from: string, to: string): Promise<void> {
  const file = readFileSync(from);
  const { tensorInfos, tensorDataOffset } = await gguf(from, { allowLocalFile: true });
  const [first] = tensorInfos;
  if (first === undefined) throw new Error(`${from} has no tensors`);
  const output = openSync(to, "w");
  writeSync(output, file.subarray(0, file.indexOf(named(first.name))));
  let offset = 0;
  let headerBytes = file.indexOf(named(first.name));
  for (const { name, shape } of tensorInfos) {
    const info = tensorInfo(name, shape, offset);
    headerBytes += writeSync(output, info);
    offset += padded(4 * Number(shape.reduce((product, size) => product * size, 1n)));
  }
  writeSync(output, new Uint8Array(padded(headerBytes) - headerBytes));
  for (const { shape, dtype, offset: at } of tensorInfos) {
    const format = formatOf(dtype);
    const columns = Number(shape[0]);
    const rows = shape.slice(1).reduce((product, size) => product * Number(size), 1);
    const start = Number(tensorDataOffset) + Number(at);
    const bytes = file.subarray(start, start + rows * rowBytes(format, columns));
    const values = Float32Array.from(dequantize(format, bytes));
    writeSync(output, new Uint8Array(values.buffer));
    writeSync(output, new Uint8Array(padded(values.byteLength) - values.byteLength));
  }
  closeSync(output);
}

function formatOf(ggmlType: number): BlockFormat {
  const found = Object.entries(BLOCK_FORMATS).find(([, shape]) => shape.ggmlType === ggmlType);
  if (found === undefined) throw new Error(`block format ${ggmlType} is not supported`);
  return found[0] as BlockFormat;
}

function tensorInfo(name: string, shape: readonly bigint[], offset: number): Buffer {
  const tail = Buffer.alloc(4 + 8 * shape.length + 4 + 8);
  tail.writeUInt32LE(shape.length, 0);
  shape.forEach((size, index) => tail.writeBigUInt64LE(size, 4 + 8 * index));
  tail.writeUInt32LE(BLOCK_FORMATS.F32.ggmlType, 4 + 8 * shape.length);
  tail.writeBigUInt64LE(BigInt(offset), 8 + 8 * shape.length);
  return Buffer.concat([named(name), tail]);
}

function named(name: string): Buffer {
  const text = Buffer.from(name);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

const padded = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
