/**
 * An open GGUF file: all that its header contains, and any shard of it as a list of
 * tensors. Of the weights, only the few hundred bytes of rope_freqs are read.
 */
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { ModelSource, ModelSummary } from "../shared/index.ts";
import { describeModel } from "./architectures.ts";
import type { ByteSource } from "./byte-source.ts";
import { sha256 } from "./chunks.ts";
import type { ModelDescription } from "./description.ts";
import { type GgufHeader, readHeader } from "./gguf-header.ts";
import { malformed } from "./model-error.ts";
import { checkNoOtherTensors, describeShard, type ShardDescription } from "./shard.ts";
import { modelName, summarize } from "./summary.ts";
import { readTokenizerData, type TokenizerData } from "./tokenizer-data.ts";

export type OpenedModel = {
  readonly summary: ModelSummary;
  readonly description: ModelDescription;
  readonly tokenizer: TokenizerData;
  /** The layers `[first, end)`; throws a `RangeError` for another range. */
  readonly shard: (first: number, end: number) => ShardDescription;
};

/** `root` is that of a file that was picked. Rejects with a `ModelError`. */
export async function openModel(
  bytes: ByteSource,
  source: ModelSource,
  root?: string,
): Promise<OpenedModel> {
  const header = await readHeader(bytes);
  const { tensors } = header;
  const description = describeModel(header, await readRopeDivisors(header, bytes));
  const whole = describeShard(description, header.tensors, 0, description.layerCount);
  checkNoOtherTensors(whole, header.tensors);
  const address = source.kind === "url" ? source.url : source.fileName;
  const summary = summarize(header, whole, {
    name: modelName(address),
    source,
    contentId: root ?? (await urlContentId(address, header.bytes, bytes.fileBytes)),
    fileBytes: bytes.fileBytes,
  });
  return {
    summary,
    description,
    tokenizer: readTokenizerData(header.metadata, description.vocabulary),
    shard: (first, end) => describeShard(description, tensors, first, end),
  };
}

async function readRopeDivisors(
  { tensors }: GgufHeader,
  bytes: ByteSource,
): Promise<Float32Array | null> {
  const tensor = tensors.get("rope_freqs.weight");
  if (tensor === undefined) return null;
  if (tensor.format !== "F32" || tensor.rows !== 1 || tensor.columns > 4096) {
    throw malformed(
      "invalid_shape",
      tensor.name,
      `${tensor.rows} x ${tensor.columns} ${tensor.format}`,
    );
  }
  const raw = await bytes.read(tensor.offsetBytes, tensor.lengthBytes);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float32Array.from({ length: tensor.columns }, (_, i) => view.getFloat32(4 * i, true));
}

/**
 * The id of a model that is read from a URL, in hex: SHA-256 over the address, the file's length, and
 * the header's bytes. Its chunks' hashes are unknown until they are read, so the address stands for
 * them: files of different addresses never share a cache. A picked file's id is its root (`chunks.ts`).
 */
export async function urlContentId(
  url: string,
  header: Uint8Array<ArrayBuffer>,
  fileBytes: number,
): Promise<string> {
  const prefix = utf8ToBytes(`tabmesh-url-1\n${JSON.stringify(url)}\n${fileBytes}\n`);
  return bytesToHex(await sha256(concatBytes(prefix, header)));
}
