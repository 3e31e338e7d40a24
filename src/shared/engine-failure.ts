/** What the engine cannot do. Raised by `engine`, rendered by `words`. */
import { z } from "zod";
import { Detail, failure } from "./failure-schema.ts";

const bytes = z.number().min(0);

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
