/**
 * GPU operations: a shader and, beside it, its host code and its reference. `core` compiles and runs
 * them; the others are the products (`matmul`), attention with its cache, and sampling.
 */
export {
  type AttentionShape,
  checkAttentionShape,
  queryKeyValueColumns,
  rotationTable,
} from "./attention/attention-shape.ts";
export { maxSplits, SPLIT_ROWS, splitsOf } from "./attention/attention-variants.ts";
export {
  attentionKernel,
  attentionOutputFloats,
  attentionReduceKernel,
} from "./attention/attention.ts";
export { ropeKernel } from "./attention/rope.ts";
export {
  type DeviceTraits,
  requestAdapter,
  requestKernelDevice,
  type ShaderFeatures,
  shaderFeatures,
} from "./core/device.ts";
export { bind, compile, dispatch, type Kernel, KernelError } from "./core/runner.ts";
export {
  CHUNK_ROWS,
  type ChunkRows,
  earlierSample,
  MAX_SAMPLES,
  packStep,
  STEP_BYTES,
  stepBytes,
  type StepParams,
} from "./core/step-uniform.ts";
export { ExpectedWait } from "./core/submit-while-waiting.ts";
export { type OtherWork, recordRepeats, timeOf, timeRepeats, workDone } from "./core/timing.ts";
export { type HostArray, upload, Uploads } from "./core/upload.ts";
export {
  firstVariants,
  type KernelVariants,
  maxCacheSegments,
  withoutBatches,
} from "./kernel-variants.ts";
export { embeddingKernel } from "./matmul/embedding.ts";
export { forShape, matCandidates, tileBytes } from "./matmul/mat-candidates.ts";
export { matReference, type MatShape } from "./matmul/mat-reference.ts";
export type { MatEpilogue } from "./matmul/mat-source.ts";
export {
  acceptsInt8,
  type Activations,
  type MatrixShape,
  type MatVariant,
  type Tile,
  tileThreads,
  variantName,
  type Workload,
  WORKLOADS,
} from "./matmul/mat-variant.ts";
export {
  EPILOGUES,
  type MatChoice,
  type MatInput,
  type MatNorm,
  type MatPlan,
  type MatUse,
  planMat,
} from "./matmul/mat.ts";
export { quantizeKernel, quantizeReference } from "./matmul/quantize-rows.ts";
export {
  createWeights,
  destroyWeights,
  packedWrites,
  type Weights,
  weightsBytes,
  writeRows,
} from "./matmul/weights.ts";
export { type PackedRows, packRows } from "./matmul/weights-pack.ts";
export { rmsNormKernel } from "./sampling/rms-norm.ts";
export {
  packSamples,
  resultBytes,
  sampleBufferBytes,
  sampleKernels,
  type SampleOutcome,
  type SampleParams,
  unpackResult,
} from "./sampling/sample.ts";
export type { MeasureOptions, ShardWork, TunedShard, Tuner } from "./tuner.ts";
