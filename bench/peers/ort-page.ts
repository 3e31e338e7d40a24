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

async function bench({ shapes, rows, repeats }: OrtOptions): Promise<OrtResult> {
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
  const loadMs = performance.now() - loadStart;
  const stepMs: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const { logits } = await session.run({ x });
    await logits!.getData();
    stepMs.push(performance.now() - start);
  }
  return { loadMs, stepMs };
}

Object.assign(globalThis, { tabmeshBench: bench });
