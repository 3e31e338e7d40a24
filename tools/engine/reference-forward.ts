/**
 * A transformer in plain f64 loops over dequantized weights: the engine's
 * specification, end to end. Never optimized. It shares no code with the engine
 * but the dequantization, which is checked against llama.cpp's own.
 */
import type { ShardDescription, TensorInfo } from "../../src/model/index.ts";
import { dequantize, rowBytes, float16ToNumber, numberToFloat16 } from "../../src/tensor/index.ts";
import type { TinyModel } from "./tiny-model.ts";

type Vector = number[];

export class ReferenceForward {
  readonly #tensors = new Map<string, Vector[]>();
  readonly #shard: ShardDescription;

  private constructor(shard: ShardDescription) {
    this.#shard = shard;
  }

  static async of(tiny: TinyModel): Promise<ReferenceForward> {
    const shard = tiny.shard(0, tiny.model.layerCount);
    const forward = new ReferenceForward(shard);
    const ends = [shard.embedding, shard.head, shard.outputNorm];
    for (const tensor of [...shard.layers.flatMap((layer) => Object.values(layer)), ...ends]) {
      if (tensor !== null) await forward.#read(tensor, tiny);
    }
    return forward;
  }

  async #read(
    { name, format, rows, columns, offsetBytes, lengthBytes }: TensorInfo,
    tiny: TinyModel,
  ) {
    const bytes = await tiny.reader.read(offsetBytes, lengthBytes);
    const row = rowBytes(format, columns);
    this.#tensors.set(
      name,
      Array.from({ length: rows }, (_, r) => [
        ...dequantize(format, bytes.subarray(r * row, (r + 1) * row)),
      ]),
    );
  }

  #matrix(tensor: TensorInfo): Vector[] {
    return this.#tensors.get(tensor.name)!;
  }

  /** The logits after the last of `tokens`, computed from nothing. */
  logits(tokens: readonly number[]): Float32Array {
    const { model, layers, embedding, head, outputNorm } = this.#shard;
    let xs = tokens.map((token) => this.#matrix(embedding!)[token]!);
    for (const layer of layers) xs = this.#layer(layer, xs);
    const normed = rmsNorm(xs.at(-1)!, this.#matrix(outputNorm!)[0]!, model.normEpsilon);
    return Float32Array.from(multiply(this.#matrix(head!), normed));
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
      queries.push(rotated(layer.query, layer.queryBias, layer.queryNorm));
      keys.push(rotated(layer.key, layer.keyBias, layer.keyNorm).map(rounded));
      values.push(split(project(layer.value, layer.valueBias, normed), headSize).map(rounded));
    }
    return xs.map((x, position) => {
      const attended: Vector = [];
      for (let head = 0; head < heads; head++) {
        const shared = Math.floor((head * keyValueHeads) / heads);
        const seen = keys.slice(0, position + 1);
        const scores = seen.map(
          (key) => dot(queries[position]![head]!, key[shared]!) * attentionScale,
        );
        const weights = softmax(scores);
        for (let e = 0; e < headSize; e++) {
          attended.push(weights.reduce((sum, w, p) => sum + w * values[p]![shared]![e]!, 0));
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
    const out = [...head];
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

const dot = (a: Vector, b: Vector) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const add = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]!);
const multiply = (matrix: Vector[], x: Vector) => matrix.map((row) => dot(row, x));
const rounded = (x: Vector) => x.map((value) => float16ToNumber(numberToFloat16(value)));

function split(x: Vector, size: number): Vector[] {
  return Array.from({ length: x.length / size }, (_, i) => x.slice(i * size, (i + 1) * size));
}

function rmsNorm(x: Vector, weight: Vector, epsilon: number): Vector {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]!);
}

function softmax(scores: Vector): Vector {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
