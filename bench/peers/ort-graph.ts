/**
 * An ONNX model with the matrix work of one step of a model and nothing else: what
 * onnxruntime-web's best 4-bit kernel (MatMulNBits, blocks of 32) needs for the same
 * shapes. No norms, no attention, no sampling: a real answer with it costs more.
 *
 * ONNX is protobuf; only the dozen fields that this graph uses are written here.
 * Field numbers: onnx.proto3 of ONNX 1.16.
 */

import type { ShardDescription } from "../../src/model/index.ts";

export type MatrixShapes = {
  readonly layers: number;
  readonly hidden: number;
  readonly queryRows: number;
  /** Rows of q, k and v together. */
  readonly attentionRows: number;
  readonly feedForward: number;
  readonly vocabulary: number;
};

/** Of a whole model whose layers have one shape. */
export function matrixShapes({ model, layers }: ShardDescription): MatrixShapes {
  const { query, key, value } = layers[0]!;
  return {
    layers: layers.length,
    hidden: model.hidden,
    queryRows: query.rows,
    attentionRows: query.rows + key.rows + value.rows,
    feedForward: model.feedForward,
    vocabulary: model.vocabulary,
  };
}

const layerWeights = ({ hidden, queryRows, attentionRows, feedForward }: MatrixShapes) =>
  hidden * (attentionRows + queryRows + 3 * feedForward);
const headWeights = ({ hidden, vocabulary }: MatrixShapes) => hidden * vocabulary;

/** The head's part of the multiply-accumulates of a token. */
export function headShare(shapes: MatrixShapes): number {
  const head = headWeights(shapes);
  return head / (head + shapes.layers * layerWeights(shapes));
}

const ELEMENT_FLOAT = 1;
const ELEMENT_UINT8 = 2;
const ELEMENT_INT64 = 7;
const ATTRIBUTE_INT = 2;
const BLOCK = 32;
/** Quants of four bits, and an f32 for each block. */
const WEIGHT_BYTES = 0.5 + 4 / BLOCK;
/** ONNX limits a file to 2 GiB, and WebAssembly holds it several times; far above any GPU's cache. */
const MAX_WEIGHT_BYTES = 768 << 20;

/** How many layers have weights of their own; the others use theirs again, which takes as long. */
export function ownLayers(shapes: MatrixShapes): number {
  const left = MAX_WEIGHT_BYTES / WEIGHT_BYTES - headWeights(shapes);
  return Math.max(1, Math.min(shapes.layers, Math.floor(left / layerWeights(shapes))));
}

/** The model's bytes; weights are random. Input "x" [rows, hidden], output "logits". */
export function buildMatrixGraph(shapes: MatrixShapes, rows: number): Uint8Array<ArrayBuffer> {
  const { layers, hidden, queryRows, attentionRows, feedForward, vocabulary } = shapes;
  const own = ownLayers(shapes);
  const graph: Part[] = [];
  const initializers: Part[] = [
    int64Tensor("zero", [0]),
    int64Tensor("query_rows", [queryRows]),
    int64Tensor("feed_forward", [feedForward]),
    int64Tensor("axis", [1]),
  ];
  const known = new Set<string>();
  const multiply = (input: string, output: string, weights: string, n: number, k: number) => {
    if (!known.has(weights)) initializers.push(...quantizedMatrix(weights, n, k));
    known.add(weights);
    graph.push(matMulNode(input, output, weights, n, k));
  };
  let x = "x";
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string) => `${part}_${layer}`;
    const product = (input: string, part: string, n: number, k: number) =>
      multiply(input, name(part), `${part}_${layer % own}`, n, k);
    product(x, "qkv", attentionRows, hidden);
    graph.push(sliceNode(name("qkv"), name("q"), "query_rows"));
    product(name("q"), "o", hidden, queryRows);
    product(name("o"), "gate_up", 2 * feedForward, hidden);
    graph.push(sliceNode(name("gate_up"), name("gate"), "feed_forward"));
    product(name("gate"), "down", hidden, feedForward);
    x = name("down");
  }
  // Prefill needs the logits of its last row only.
  const last = rows === 1 ? x : "last";
  if (rows > 1) {
    initializers.push(int64Tensor("last_row", [rows - 1]), int64Tensor("rows", [rows]));
    initializers.push(int64Tensor("row_axis", [0]));
    graph.push(node("Slice", [x, "last_row", "rows", "row_axis"], [last]));
  }
  multiply(last, "logits", "head", vocabulary, hidden);
  const body = [
    ...graph.map((part) => field(1, part)),
    text(2, "decode_step"),
    ...initializers.map((part) => field(5, part)),
    field(11, valueInfo("x", [rows, hidden])),
    field(12, valueInfo("logits", [1, vocabulary])),
  ];
  const model = [
    integer(1, 10), // ir_version
    field(7, join(body)),
    field(8, join([text(1, ""), integer(2, 21)])), // opset_import: ai.onnx 21
    field(8, join([text(1, "com.microsoft"), integer(2, 1)])),
  ];
  return flatten(join(model));
}

function matMulNode(input: string, output: string, weights: string, n: number, k: number): Part {
  const attributes = [
    intAttribute("K", k),
    intAttribute("N", n),
    intAttribute("bits", 4),
    intAttribute("block_size", BLOCK),
    intAttribute("accuracy_level", 4),
  ];
  return node(
    "MatMulNBits",
    [input, `${weights}_w`, `${weights}_s`],
    [output],
    attributes,
    "com.microsoft",
  );
}

function sliceNode(input: string, output: string, end: string): Part {
  return node("Slice", [input, "zero", end, "axis"], [output]);
}

function quantizedMatrix(name: string, n: number, k: number): Part[] {
  const weights = new Uint8Array((n * k) / 2);
  const MAX_RANDOM_BYTES = 65_536;
  for (let at = 0; at < weights.length; at += MAX_RANDOM_BYTES) {
    crypto.getRandomValues(weights.subarray(at, at + MAX_RANDOM_BYTES));
  }
  const scales = new Float32Array((n * k) / BLOCK).fill(1 / (8 * Math.sqrt(k)));
  return [
    tensor(`${name}_w`, ELEMENT_UINT8, [n, k / BLOCK, BLOCK / 2], weights),
    tensor(`${name}_s`, ELEMENT_FLOAT, [scales.length], new Uint8Array(scales.buffer)),
  ];
}

/** Protobuf bytes as a rope, so that weights are copied once, at the end. */
type Part = { readonly length: number; readonly pieces: readonly Uint8Array[] };

const join = (parts: readonly Part[]): Part => ({
  length: parts.reduce((sum, part) => sum + part.length, 0),
  pieces: parts.flatMap((part) => part.pieces),
});

const raw = (bytes: Uint8Array): Part => ({ length: bytes.length, pieces: [bytes] });

function varint(value: number): Part {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return raw(Uint8Array.from(bytes));
}

const integer = (number: number, value: number) => join([varint(number * 8), varint(value)]);
const field = (number: number, body: Part) =>
  join([varint(number * 8 + 2), varint(body.length), body]);
const text = (number: number, value: string) => field(number, raw(new TextEncoder().encode(value)));

function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Part[] = [],
  domain = "",
): Part {
  return join([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, outputs[0]!),
    text(4, type),
    ...attributes.map((part) => field(5, part)),
    text(7, domain),
  ]);
}

const intAttribute = (name: string, value: number) =>
  join([text(1, name), integer(3, value), integer(20, ATTRIBUTE_INT)]);

const tensor = (name: string, type: number, dims: readonly number[], bytes: Uint8Array) =>
  join([
    ...dims.map((dim) => integer(1, dim)),
    integer(2, type),
    text(8, name),
    field(9, raw(bytes)),
  ]);

const int64Tensor = (name: string, values: readonly number[]) =>
  tensor(
    name,
    ELEMENT_INT64,
    [values.length],
    new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer),
  );

function valueInfo(name: string, dims: readonly number[]): Part {
  const shape = join(dims.map((dim) => field(1, integer(1, dim))));
  const tensorType = join([integer(1, ELEMENT_FLOAT), field(2, shape)]);
  return join([text(1, name), field(2, field(1, tensorType))]);
}

function flatten(part: Part): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(part.length);
  let at = 0;
  for (const piece of part.pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
