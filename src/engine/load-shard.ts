/**
 * Loads a shard: plans its memory, streams its weights into GPU buffers,
 * compiles and binds everything that a step will record.
 */
import {
  CHUNK_ROWS,
  destroyWeights,
  packRows,
  rotationTable,
  type Tuner,
  type Weights,
  withoutBatches,
} from "../kernels/index.ts";
import type { ByteReader, ShardDescription } from "../model/index.ts";
import { newCounters } from "./counters.ts";
import { DeviceWatch } from "./device-watch.ts";
import { GpuResources } from "./gpu-resources.ts";
import { GpuShard } from "./gpu-shard.ts";
import { layerMatrices, placeLayer, placeMatrix } from "./layer-weights.ts";
import { checkMemory, fits, planMemory } from "./memory-plan.ts";
import type { LoadProgress, OnDeviceError, Shard, ShardOptions } from "./types.ts";
import { tuneInBackground } from "./background-tuning.ts";
import type { Pack } from "./pack-threads.ts";
import { planShard, type ShardWeights } from "./shard-plan.ts";
import { shardWork } from "./shard-work.ts";
import { warmUp } from "./warm-up.ts";
import { WeightReader } from "./weight-reader.ts";

/** `pack`: by default in this thread. */
type Gpu = { readonly device: GPUDevice; readonly tuner: Tuner; readonly pack?: Pack };

/** Hidden states that a stage passes on at once: half of what the next one takes unread. */
const MAX_HIDDEN_BYTES = 4 * 1024 * 1024;

/**
 * Rejects with an `EngineError` (memory, device, unsupported shapes), or with the
 * reader's own error. Nothing stays allocated then. `onDeviceError` is called when the device fails
 * later; `lost` when it is gone.
 */
export async function loadShard(
  gpu: Gpu,
  description: ShardDescription,
  options: ShardOptions,
  reader: ByteReader,
  onProgress: (progress: LoadProgress) => void,
  onDeviceError: OnDeviceError = () => undefined,
): Promise<Shard> {
  const totalBytes = fileBytes(description);
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    doneBytes += bytes;
    onProgress({ phase: "uploading", doneBytes, totalBytes });
  };
  const onFilled = () => onProgress({ phase: "compiling", doneBytes: 0, totalBytes });
  const load = await beginLoad(gpu, description, options, reader, onBytes, onDeviceError);
  try {
    const filled = load.fill().then(onFilled);
    const [{ shard, tune }] = await load.watch.guard(Promise.all([load.prepared, filled]));
    await load.watch.guard(gpu.device.queue.onSubmittedWorkDone());
    Object.assign(load.resources.counters, newCounters());
    onProgress({ phase: "compiling", doneBytes: totalBytes, totalBytes });
    if (tune !== null) shard.tuned = tune();
    return shard;
  } catch (error) {
    load.abandon();
    throw error;
  }
}

/**
 * Checks the plan against the memory and the device's limits, then allocates and starts to compile
 * everything. Rejects with an `EngineError` before anything is allocated. `prepared` is the shard once
 * everything is compiled and bound, with `tune` if work is left for the background; `fill` reads the weights
 * into the buffers that it binds; `abandon` frees everything.
 */
export async function beginLoad(
  { device, tuner, pack = packRows }: Gpu,
  description: ShardDescription,
  options: ShardOptions,
  reader: ByteReader,
  onBytes: (bytes: number) => void,
  onDeviceError: OnDeviceError,
) {
  const traits = await tuner.traits(options.submitWhileWaiting);
  const work = shardWork(device.limits, description, options, traits);
  const chosen = await tuner.choose(work);
  const { variants, kernels, maxRows } = chosen;
  const shape = work.attention;
  const planned = (rows: number) => planMemory(description, options, shape, rows);
  // A larger chunk is worth its scratch only where the memory suffices.
  const isWhole = description.embedding !== null && description.head !== null;
  const isPossible = (rows: number) =>
    rows <= chosen.maxRowsLimit &&
    fits(planned(rows), options) &&
    (isWhole || rows * description.model.hidden * 4 <= MAX_HIDDEN_BYTES);
  const scratchRows = CHUNK_ROWS.findLast(isPossible) ?? CHUNK_ROWS[0];
  const memory = planned(scratchRows);
  checkMemory(memory, options, device.limits);
  const watch = new DeviceWatch(device, onDeviceError);
  const resources = new GpuResources(device, newCounters());
  const weightReader = new WeightReader(resources, reader, pack, onBytes);
  const loaded: Weights[] = [];
  const abandon = () => {
    weightReader.stop();
    watch.stop();
    for (const matrix of loaded) destroyWeights(matrix);
    resources.destroy();
  };
  // The first answer is decoded alone: the kernels of batches are compiled in the background.
  const first = options.sequences > 1 ? withoutBatches(variants) : variants;
  const context = { resources, variants: first, activations: options.activations };
  const { rope } = description.model;
  const positions = shape.segmentStarts.at(-1)!;
  const table = resources.storage("rotations", positions * rope.dims * 4);
  const prepare = async () => {
    const weights = placeWeights(weightReader, description, loaded);
    const plans = await planShard(
      context,
      description,
      options,
      shape,
      scratchRows,
      weights,
      table,
    );
    const shard = new GpuShard({
      description,
      options,
      maxRows: Math.min(maxRows, scratchRows),
      scratchRows,
      kernels,
      resources,
      watch,
      weights: loaded,
      scratchBytes: memory.scratchBytes,
      ...plans,
    });
    // Whatever the weights hold: the pipelines must only run.
    await warmUp(shard);
    const tune = () => tuneInBackground({ device, tuner, shard, work, chosen, context, ...plans });
    return { shard, tune: chosen.final && first === variants ? null : tune };
  };
  const fill = () => {
    const filled = weightReader.fill();
    // While the first reads are under way.
    resources.write(table, rotationTable(positions, rope.frequencies, rope.magnitude));
    return filled;
  };
  return { watch, resources, prepared: prepare(), fill, abandon };
}

/** Allocates all weights, for the reader to fill; lists the matrices in `loaded`. */
function placeWeights(
  reader: WeightReader,
  description: ShardDescription,
  loaded: Weights[],
): ShardWeights {
  const matrix = (tensor: ShardDescription["head"]) => {
    if (tensor === null) return null;
    const one = placeMatrix(reader, tensor);
    loaded.push(one);
    return one;
  };
  const { embedding, head, outputNorm } = description;
  const table = matrix(embedding);
  const layers = description.layers.map((tensors) => {
    const layer = placeLayer(reader, tensors);
    loaded.push(...layerMatrices(layer));
    return layer;
  });
  return {
    layers,
    embedding: table,
    // A tied head is the embedding's own copy.
    head: head !== null && head.name === embedding?.name ? table : matrix(head),
    outputNorm: outputNorm && reader.vectors("output norm", [outputNorm]),
  };
}

/** Bytes that will be read of the file. */
function fileBytes({ layers, embedding, head, outputNorm }: ShardDescription): number {
  const tensors = layers.flatMap((layer) => Object.values(layer));
  const all = new Map(
    [...tensors, embedding, head, outputNorm].map((tensor) => [tensor?.name, tensor]),
  );
  return [...all.values()].reduce((sum, tensor) => sum + (tensor?.lengthBytes ?? 0), 0);
}
