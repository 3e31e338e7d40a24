/** The header of a model's file, and all that is read from it. */
import { chunkMapBytes, decodeChunkMap, encodeChunkMap } from "../../../src/model/chunks.ts";
import { scanHeader } from "../../../src/model/gguf-scan.ts";
import { ModelError } from "../../../src/model/model-error.ts";
import { openModel } from "../../../src/model/index.ts";
import type { Random } from "../../../tools/placement/random.ts";
import { tinyModel } from "../../../tools/gguf/tiny-gguf.ts";
import type { FuzzTarget } from "../../../tools/fuzz/fuzz.ts";
import { type Bytes, mutatedBytes } from "../../../tools/fuzz/mutate.ts";

const MODELS: readonly Bytes[] = ["llama", "qwen2", "qwen3"].map((architecture) =>
  tinyModel({ architecture }),
);
/** Up to the end of the table of tensors; the mutations are mostly there. */
const HEADERS = MODELS.map((model) => {
  const scan = scanHeader(model, model.length);
  return model.slice(0, scan.kind === "complete" ? scan.headerBytes : model.length);
});

const isModelError = (error: unknown) => error instanceof ModelError;

export const ggufHeaders: FuzzTarget<Bytes> = {
  name: "gguf-headers",
  generate: (random) => mutatedBytes(HEADERS, random),
  decode: (bytes) => scanHeader(bytes, bytes.length),
  isRefusal: isModelError,
};

export const ggufFiles: FuzzTarget<Bytes> = {
  name: "gguf-files",
  generate(random: Random) {
    const which = random.whole(0, MODELS.length - 1);
    const [header, model] = [HEADERS[which]!, MODELS[which]!];
    const data = model.subarray(header.length);
    const edited = mutatedBytes([header], random);
    const bytes = new Uint8Array(edited.length + data.length);
    bytes.set(edited);
    bytes.set(data, edited.length);
    return bytes;
  },
  async decode(bytes) {
    const source = {
      fileBytes: bytes.length,
      label: "hostile.gguf",
      read: (offset: number, length: number) => {
        if (offset + length > bytes.length) throw new Error("a read past the end");
        return Promise.resolve(bytes.slice(offset, offset + length));
      },
    };
    const model = await openModel(source, { kind: "url", url: "http://x/hostile.gguf" });
    model.shard(0, model.summary.layers.length);
  },
  isRefusal: isModelError,
  // A header becomes JavaScript values: a text per token, an object per tensor.
  allowedFactor: 40,
};

const FILE_BYTES = 5_000_000;

export const chunkMaps: FuzzTarget<Bytes> = {
  name: "chunk-maps",
  generate(random) {
    const held = new Set([0, 2]);
    const leaf = new Uint8Array(32).fill(random.whole(1, 255));
    const map = encodeChunkMap({ held, leaves: new Map([[2, leaf]]) }, FILE_BYTES);
    return mutatedBytes([map, new Uint8Array(chunkMapBytes(FILE_BYTES))], random);
  },
  decode: (bytes) => decodeChunkMap(bytes, FILE_BYTES),
  isRefusal: () => false,
};
