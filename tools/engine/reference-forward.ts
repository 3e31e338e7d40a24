/**
 * A transformer in plain f64 loops over dequantized weights: the engine's
 * specification, end to end. Never optimized. It shares no code with the engine
 * but the dequantization, which is checked against llama.cpp's own.
 */
import type { ByteReader, ShardDescription, TensorInfo } from "../../src/model/index.ts";
import { dequantize, rowBytes, float16ToNumber, numberToFloat16 } from "../../src/tensor/index.ts";

type Vector = Float64Array<ArrayBuffer>;

export type ReferenceOptions = {
  /** Whether keys and values are rounded to f16, as the engine's cache does. */
  readonly cache: "f16" | "exact";
};

export class ReferenceForward {
  readonly #tensors = new Map<string, Float32Array[]>();
  readonly #shard: ShardDescription;
  readonly #stored: (x: Vector) => Vector;

  private constructor(shard: ShardDescription, { cache }: ReferenceOptions) {
    this.#shard = shard;
    this.#stored = cache === "f16" ? rounded : (x) => x;
  }

  /** `shard` holds all layers; `reader` its file. */
  static async of(
    shard: ShardDescription,
    reader: ByteReader,
    options: ReferenceOptions = { cache: "f16" },
  ): Promise<ReferenceForward> {
    const forward = new ReferenceForward(shard, options);
    const ends = [shard.embedding, shard.head, shard.outputNorm];
    for (const tensor of [...shard.layers.flatMap((layer) => Object.values(layer)), ...ends]) {
      if (tensor !== null) await forward.#read(tensor, reader);
    }
    return forward;
  }

  async #read(tensor: TensorInfo, reader: ByteReader) {
    const { name, format, rows, columns, offsetBytes, lengthBytes } = tensor;
    if (this.#tensors.has(name)) return;
    const bytes = await reader.read(offsetBytes, lengthBytes);
    const row = rowBytes(format, columns);
    this.#tensors.set(
      name,
      Array.from({ length: rows }, (_, r) =>
        dequantize(format, bytes.subarray(r * row, (r + 1) * row)),
      ),
    );
  }

  #matrix(tensor: TensorInfo): Float32Array[] {
    return this.#tensors.get(tensor.name)!;
  }

  /** The logits after the last of `tokens`, computed from nothing. */
  logits(tokens: readonly number[]): Float32Array {
    return Float32Array.from(this.allLogits(tokens, tokens.length - 1)[0]!);
  }

  /** The logits after each of `tokens` from index `first` on: [tokens.length - first][vocabulary]. */
  allLogits(tokens: readonly number[], first: number): Vector[] {
    const { model, layers, embedding, head, outputNorm } = this.#shard;
    let xs = tokens.map((token) => Float64Array.from(this.#matrix(embedding!)[token]!));
    for (const layer of layers) xs = this.#layer(layer, xs);
    const norm = this.#matrix(outputNorm!)[0]!;
    return xs
      .slice(first)
      .map((x) => multiply(this.#matrix(head!), rmsNorm(x, norm, model.normEpsilon)));
  }

  #layer(layer: ShardDescription["layers"][number], xs: Vector[]): Vector[] {
    const { model } = this.#shard;
    const { heads, keyValueHeads, headSize, normEpsilon, attentionScale } = model;
    const vector = (tensor: TensorInfo | null) => tensor && this.#matrix(tensor)[0]!;
    const project = (tensor: TensorInfo, bias: TensorInfo | null, x: Vector) => {
      const added = vector(bias);
      return multiply(this.#matrix(tensor), x).map((value, i) => value + (added?.[i] ?? 0));
    };
    const keys: Vector[][] = [];
    const values: Vector[][] = [];
    const queries: Vector[][] = [];
    for (const [position, x] of xs.entries()) {
      const normed = rmsNorm(x, vector(layer.attentionNorm)!, normEpsilon);
      const rotated = (tensor: TensorInfo, bias: TensorInfo | null, norm: TensorInfo | null) =>
        split(project(tensor, bias, normed), headSize).map((head) => {
          const weight = vector(norm);
          return this.#rotate(weight ? rmsNorm(head, weight, normEpsilon) : head, position);
        });
      const stored = (heads: Vector[]) => heads.map((head) => this.#stored(head));
      queries.push(rotated(layer.query, layer.queryBias, layer.queryNorm));
      keys.push(stored(rotated(layer.key, layer.keyBias, layer.keyNorm)));
      values.push(stored(split(project(layer.value, layer.valueBias, normed), headSize)));
    }
    return xs.map((x, position) => {
      const attended = new Float64Array(heads * headSize);
      for (let head = 0; head < heads; head++) {
        const shared = Math.floor((head * keyValueHeads) / heads);
        const seen = keys.slice(0, position + 1);
        const scores = seen.map(
          (key) => dot(queries[position]![head]!, key[shared]!) * attentionScale,
        );
        const weights = softmax(scores);
        for (let e = 0; e < headSize; e++) {
          attended[head * headSize + e] = weights.reduce(
            (sum, w, p) => sum + w * values[p]![shared]![e]!,
            0,
          );
        }
      }
      const after = add(x, multiply(this.#matrix(layer.attentionOutput), attended));
      const normed = rmsNorm(after, vector(layer.feedForwardNorm)!, normEpsilon);
      const up = multiply(this.#matrix(layer.up), normed);
      const gated = multiply(this.#matrix(layer.gate), normed).map(
        (g, i) => (g / (1 + Math.exp(-g))) * up[i]!,
      );
      return add(after, multiply(this.#matrix(layer.down), gated));
    });
  }

  #rotate(head: Vector, position: number): Vector {
    const { pairs, dims, frequencies, magnitude } = this.#shard.model.rope;
    const out = head.slice();
    frequencies.forEach((frequency, i) => {
      const [a, b] = pairs === "interleaved" ? [2 * i, 2 * i + 1] : [i, i + dims / 2];
      const cos = Math.cos(position * frequency) * magnitude;
      const sin = Math.sin(position * frequency) * magnitude;
      out[a] = head[a]! * cos - head[b]! * sin;
      out[b] = head[a]! * sin + head[b]! * cos;
    });
    return out;
  }
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Four rows at a time, so that a CPU adds to four sums at once: the order within a row is plain. */
function multiply(matrix: readonly Float32Array[], x: Vector): Vector {
  const out = new Float64Array(matrix.length);
  for (let r = 0; r < matrix.length; r += 4) {
    const rows = [0, 1, 2, 3].map((i) => matrix[Math.min(r + i, matrix.length - 1)]!);
    const [a, b, c, d] = rows as [Float32Array, Float32Array, Float32Array, Float32Array];
    let [p, q, s, t] = [0, 0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      const value = x[i]!;
      p += a[i]! * value;
      q += b[i]! * value;
      s += c[i]! * value;
      t += d[i]! * value;
    }
    [p, q, s, t].forEach((sum, i) => {
      if (r + i < out.length) out[r + i] = sum;
    });
  }
  return out;
}

const add = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]!);
const rounded = (x: Vector) => x.map((value) => float16ToNumber(numberToFloat16(value)));

function split(x: Vector, size: number): Vector[] {
  return Array.from({ length: x.length / size }, (_, i) => x.slice(i * size, (i + 1) * size));
}

function rmsNorm(x: Vector, weight: Float32Array, epsilon: number): Vector {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]!);
}

function softmax(scores: number[]): number[] {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
