/** Times onnxruntime-web on WebGPU on the matrix work of one step; a bench page. */
import * as ort from "onnxruntime-web/webgpu";
import { buildMatrixGraph, type MatrixShapes } from "./ort-graph.ts";

export type OrtOptions = {
  readonly shapes: MatrixShapes;
  /** Rows of x: 1 for decode, the chunk for prefill. */
  readonly rows: number;
  readonly repeats: number;
};

export type OrtResult = { readonly loadMs: number; readonly stepMs: readonly number[] };

type Loaded = {
  readonly session: ort.InferenceSession;
  readonly x: ort.Tensor;
  readonly loadMs: number;
};

/** The graph stays loaded between calls, so that a driver can interleave measurements. */
let loaded: Promise<Loaded> | null = null;

async function load({ shapes, rows }: OrtOptions): Promise<Loaded> {
  ort.env.wasm.wasmPaths = new URL("/node_modules/onnxruntime-web/dist/", location.href).href;
  ort.env.logLevel = "error";
  const loadStart = performance.now();
  const session = await ort.InferenceSession.create(buildMatrixGraph(shapes, rows), {
    executionProviders: ["webgpu"],
  });
  const x = new ort.Tensor("float32", new Float32Array(rows * shapes.hidden).fill(0.5), [
    rows,
    shapes.hidden,
  ]);
  await session.run({ x }); // compiles the kernels
  return { session, x, loadMs: performance.now() - loadStart };
}

/** Loads at the first call; later calls may change the repeats only. */
async function bench(options: OrtOptions): Promise<OrtResult> {
  const { session, x, loadMs } = await (loaded ??= load(options));
  const stepMs: number[] = [];
  for (let i = 0; i < options.repeats; i++) {
    const start = performance.now();
    const { logits } = await session.run({ x });
    await logits!.getData();
    stepMs.push(performance.now() - start);
  }
  return { loadMs, stepMs };
}

Object.assign(globalThis, { tabmeshBench: bench });
