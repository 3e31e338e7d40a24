/** A small random model in memory, in the form that a GGUF header describes. */
import type {
  ByteReader,
  LayerTensors,
  ModelDescription,
  ShardDescription,
  TensorInfo,
} from "../../src/model/index.ts";
import { rowBytes, type BlockFormat, randomBlocks } from "../../src/tensor/index.ts";
import { randomSource } from "../gpu/random.ts";

export type TinyOptions = {
  readonly architecture: "llama" | "qwen2" | "qwen3";
  /** Of the matrices; `value` and `up` may differ from their neighbors, as in Q4_K_M. */
  readonly format: BlockFormat;
  readonly oddFormat: BlockFormat;
  readonly tiedHead: boolean;
};

export type TinyModel = {
  readonly model: ModelDescription;
  readonly reader: ByteReader;
  shard(first: number, end: number): ShardDescription;
};

export function tinyModel({ architecture, format, oddFormat, tiedHead }: TinyOptions): TinyModel {
  const qwen3 = architecture === "qwen3";
  const model: ModelDescription = {
    architecture,
    layerCount: 3,
    hidden: 64,
    heads: 4,
    keyValueHeads: 2,
    headSize: qwen3 ? 32 : 16,
    feedForward: 96,
    vocabulary: 203,
    contextTokens: 1024,
    normEpsilon: 1e-3,
    attentionScale: qwen3 ? 0.2 : 0.25,
    rope: {
      pairs: architecture === "llama" ? "interleaved" : "halves",
      dims: qwen3 ? 32 : 16,
      frequencies: Float64Array.from({ length: qwen3 ? 16 : 8 }, (_, i) => 0.5 ** i),
      magnitude: 1,
    },
    attentionBias: architecture === "qwen2",
    headNorm: qwen3,
    tiedHead,
  };
  const file = new TinyFile(randomSource(7));
  const { hidden, heads, keyValueHeads, headSize, feedForward, vocabulary } = model;
  const matrix = (name: string, rows: number, columns: number, own = format) =>
    file.add(name, own, rows, columns);
  const vector = (name: string, columns: number) => file.addVector(name, columns);
  const biased = (name: string, columns: number) =>
    model.attentionBias ? vector(name, columns) : null;
  const normed = (name: string) => (model.headNorm ? vector(name, headSize) : null);
  const layers = Array.from({ length: model.layerCount }, (_, i): LayerTensors => {
    // The middle layer mixes formats, so that its matrices cannot be joined.
    const odd = i === 1 ? oddFormat : format;
    return {
      attentionNorm: vector(`${i}.attn_norm`, hidden),
      query: matrix(`${i}.q`, heads * headSize, hidden),
      key: matrix(`${i}.k`, keyValueHeads * headSize, hidden),
      value: matrix(`${i}.v`, keyValueHeads * headSize, hidden, odd),
      queryBias: biased(`${i}.q_bias`, heads * headSize),
      keyBias: biased(`${i}.k_bias`, keyValueHeads * headSize),
      valueBias: biased(`${i}.v_bias`, keyValueHeads * headSize),
      queryNorm: normed(`${i}.q_norm`),
      keyNorm: normed(`${i}.k_norm`),
      attentionOutput: matrix(`${i}.o`, hidden, heads * headSize),
      feedForwardNorm: vector(`${i}.ffn_norm`, hidden),
      gate: matrix(`${i}.gate`, feedForward, hidden),
      up: matrix(`${i}.up`, feedForward, hidden, odd),
      down: matrix(`${i}.down`, hidden, feedForward),
    };
  });
  const embedding = matrix("token_embd.weight", vocabulary, hidden);
  const head = tiedHead ? embedding : matrix("output.weight", vocabulary, hidden, oddFormat);
  const outputNorm = vector("output_norm", hidden);
  return {
    model,
    reader: { read: (offset, length) => Promise.resolve(file.read(offset, length)) },
    shard: (first, end) => ({
      model,
      first,
      end,
      layers: layers.slice(first, end),
      embedding: first === 0 ? embedding : null,
      head: end === model.layerCount ? head : null,
      outputNorm: end === model.layerCount ? outputNorm : null,
    }),
  };
}

class TinyFile {
  readonly #random: () => number;
  readonly #parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  #end = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(name: string, format: BlockFormat, rows: number, columns: number): TensorInfo {
    return this.#put(
      { name, format, rows, columns },
      randomBlocks(format, rows * columns, this.#random),
    );
  }

  addVector(name: string, columns: number): TensorInfo {
    const values = Float32Array.from({ length: columns }, () => 0.5 + this.#random());
    return this.#put({ name, format: "F32", rows: 1, columns }, new Uint8Array(values.buffer));
  }

  #put(info: Omit<TensorInfo, "offsetBytes" | "lengthBytes">, bytes: Uint8Array): TensorInfo {
    const lengthBytes = rowBytes(info.format, info.columns) * info.rows;
    const offsetBytes = this.#end;
    this.#parts.push({ at: offsetBytes, bytes });
    this.#end += lengthBytes;
    return { ...info, offsetBytes, lengthBytes };
  }

  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const part = this.#parts.findLast(({ at }) => at <= offset)!;
    return part.bytes.slice(offset - part.at, offset - part.at + length);
  }
}
