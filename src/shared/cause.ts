/** What the failure of a stage can be traced to: a model, the mesh, the engine, or a worker. */
import { z } from "zod";
import { Detail, failure, Unexpected } from "./failure-schema.ts";
import { MeshFailure } from "./mesh-failure.ts";
import { ModelFailure } from "./model-failure.ts";

const bytes = z.number().min(0);

/** What the engine cannot do. Raised by `engine`, rendered by `words`. */
export const EngineFailure = z.discriminatedUnion("reason", [
  failure("gpu_memory_exceeded", {
    weightBytes: bytes,
    cacheBytes: bytes,
    scratchBytes: bytes,
    budgetBytes: bytes,
  }),
  /** A single buffer exceeds what the adapter can bind. */
  failure("gpu_buffer_too_large", {
    contextTokens: z.int(),
    sequences: z.int(),
    bufferBytes: bytes,
    maxBufferBytes: bytes,
  }),
  /** Head sizes that the kernels do not support. */
  failure("model_shape_unsupported", { detail: Detail }),
  failure("gpu_out_of_memory", { detail: Detail }),
  /** The browser rejected a command or a step. */
  failure("gpu_command_failed", { detail: Detail }),
  failure("gpu_lost", { detail: Detail }),
  /** Another device cannot be had in place of one that was lost. */
  failure("gpu_unavailable", { detail: Detail }),
  failure("shard_unloaded", {}),
]);
export type EngineFailure = z.infer<typeof EngineFailure>;

export const WorkerName = z.enum(["GPU", "model", "placement", "probe", "chat template"]);
export type WorkerName = z.infer<typeof WorkerName>;

/** Why a call to a worker of this tab failed. */
export const WorkerFailure = z.discriminatedUnion("reason", [
  /** `detail` is empty if its script could not be loaded. */
  failure("worker_failed", { worker: WorkerName, detail: Detail }),
  /** It did not answer for `afterMs`. */
  failure("worker_silent", { worker: WorkerName, afterMs: z.number() }),
  failure("worker_unreadable", { worker: WorkerName }),
  failure("worker_ended", { worker: WorkerName }),
]);
export type WorkerFailure = z.infer<typeof WorkerFailure>;

export const Cause = z.discriminatedUnion("reason", [
  ModelFailure,
  MeshFailure,
  EngineFailure,
  WorkerFailure,
  Unexpected,
]);
export type Cause = z.infer<typeof Cause>;
