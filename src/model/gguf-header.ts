/**
 * A GGUF header from a byte source: metadata and the table of tensors, checked.
 *
 * `gguf-scan.ts` finds the header's end without trusting it, `@huggingface/gguf`
 * parses exactly those bytes, and the result is checked against the file. Knows no
 * architectures.
 */
import { detailOf } from "../shared/index.ts";
import { GGMLQuantizationType, gguf, type GGUFTensorInfo } from "@huggingface/gguf";
import { BLOCK_FORMATS, type BlockFormat, rowBytes } from "../tensor/index.ts";
import type { ByteSource } from "./byte-source.ts";
import type { TensorInfo } from "./description.ts";
import { MAX_HEADER_BYTES, readStrings, scanHeader } from "./gguf-scan.ts";
import { Metadata } from "./metadata.ts";
import { malformed, ModelError, unsupported } from "./model-error.ts";

export type GgufHeader = {
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The raw header, up to the end of the tensor table. */
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** The first read: the header of a small vocabulary in one piece. */
const FIRST_READ_BYTES = 2 << 20;

/** Reads only the file's header, rounded up. Throws a `ModelError`. */
export async function readHeader(source: ByteSource): Promise<GgufHeader> {
  let prefix = await source.read(0, Math.min(FIRST_READ_BYTES, source.fileBytes));
  let scan = scanHeader(prefix, source.fileBytes);
  while (scan.kind === "more") {
    const wanted = Math.max(scan.neededBytes, 2 * prefix.length);
    prefix = await extend(source, prefix, Math.min(wanted, source.fileBytes, MAX_HEADER_BYTES));
    scan = scanHeader(prefix, source.fileBytes);
  }
  const bytes = prefix.slice(0, scan.headerBytes);
  const parsed = await parse(bytes);
  const values = new Map(Object.entries(parsed.metadata as Record<string, unknown>));
  const tokens = scan.stringArrays.get("tokenizer.ggml.tokens");
  // The library's decoder drops a BOM, which is a token in several vocabularies.
  if (tokens !== undefined) values.set("tokenizer.ggml.tokens", readStrings(bytes, tokens));
  const metadata = new Metadata(values);
  return {
    metadata,
    tensors: checkTensors(parsed.tensorInfos, bytes.length, metadata, source),
    bytes,
  };
}

async function extend(
  source: ByteSource,
  prefix: Uint8Array<ArrayBuffer>,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  bytes.set(prefix);
  bytes.set(await source.read(prefix.length, length - prefix.length), prefix.length);
  return bytes;
}

async function parse(header: Uint8Array<ArrayBuffer>) {
  // The library reads ahead: a range beyond the header gets an empty response.
  const fetchHeader = (_url: unknown, init?: RequestInit): Promise<Response> => {
    const range = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get("range") ?? "");
    const [start, last] = [Number(range?.[1] ?? 0), Number(range?.[2] ?? 0)];
    return Promise.resolve(new Response(header.subarray(start, last + 1)));
  };
  try {
    return await gguf("https://header.invalid/", { fetch: fetchHeader });
  } catch (error) {
    throw malformed("unreadable_header", "header", detailOf(error));
  }
}

function checkTensors(
  infos: readonly GGUFTensorInfo[],
  headerBytes: number,
  metadata: Metadata,
  source: ByteSource,
): Map<string, TensorInfo> {
  const alignment = metadata.integer("general.alignment", 32);
  if (alignment < 1 || alignment > 1 << 20 || (alignment & (alignment - 1)) !== 0) {
    throw malformed("invalid_value", "general.alignment", alignment, "a power of two");
  }
  const dataStart = Math.ceil(headerBytes / alignment) * alignment;
  const tensors = new Map<string, TensorInfo>();
  for (const info of infos) {
    if (tensors.has(info.name)) throw malformed("repeated_tensor", info.name);
    tensors.set(info.name, checkTensor(info, dataStart, alignment, source));
  }
  checkOverlap([...tensors.values()]);
  return tensors;
}

function checkTensor(
  { name, shape, dtype, offset }: GGUFTensorInfo,
  dataStart: number,
  alignment: number,
  { fileBytes, label: file }: ByteSource,
): TensorInfo {
  const format = FORMAT_BY_TYPE.get(dtype);
  if (format === undefined) {
    const found = GGMLQuantizationType[dtype] ?? `type ${dtype}`;
    throw unsupported("tensor_format", found, Object.keys(BLOCK_FORMATS), name);
  }
  const [columns = 0, rows = 1, ...more] = shape.map(Number);
  const oddShape = [columns, rows, ...more].some((size) => !Number.isSafeInteger(size) || size < 1);
  if (oddShape || more.some((size) => size !== 1)) {
    throw malformed("invalid_shape", name, shape.join(" x "));
  }
  if (columns % BLOCK_FORMATS[format].weights !== 0) {
    throw malformed("partial_blocks", name, columns, format);
  }
  const lengthBytes = rows * rowBytes(format, columns);
  const offsetBytes = dataStart + Number(offset);
  if (Number(offset) % alignment !== 0) throw malformed("misaligned_tensor", name);
  if (!(offsetBytes + lengthBytes <= fileBytes)) {
    const endBytes = offsetBytes + lengthBytes;
    throw new ModelError({ reason: "truncated_tensor", file, tensor: name, endBytes, fileBytes });
  }
  return { name, format, rows, columns, offsetBytes, lengthBytes };
}

function checkOverlap(tensors: TensorInfo[]): void {
  tensors.sort((a, b) => a.offsetBytes - b.offsetBytes);
  for (const [i, next] of tensors.entries()) {
    const before = tensors[i - 1];
    if (before !== undefined && before.offsetBytes + before.lengthBytes > next.offsetBytes) {
      throw malformed("overlapping_tensors", before.name, next.name);
    }
  }
}

const FORMAT_BY_TYPE: ReadonlyMap<number, BlockFormat> = new Map(
  Object.entries(BLOCK_FORMATS).map(([name, { ggmlType }]) => [ggmlType, name as BlockFormat]),
);
