/** Why a member's GPU cannot hold or run layers. */
import type { EngineFailure } from "../shared/index.ts";
import { bytes } from "./quantities.ts";
import type { Sentences } from "./sentences.ts";

export const engineFailures: Sentences<EngineFailure> = {
  gpu_memory_exceeded: ({ weightBytes, cacheBytes, scratchBytes, budgetBytes }) => {
    const neededBytes = weightBytes + cacheBytes + scratchBytes;
    return (
      `These layers need ${bytes(neededBytes)} (weights ${bytes(weightBytes)}, context ${bytes(cacheBytes)}, working memory ${bytes(scratchBytes)}), ` +
      `${bytes(neededBytes - budgetBytes)} more than the ${bytes(budgetBytes)} that this tab may use. Give it fewer layers, or reduce the context.`
    );
  },
  gpu_buffer_too_large: ({ contextTokens, sequences, bufferBytes, maxBufferBytes }) =>
    `A context of ${contextTokens} tokens for ${sequences} answers needs a buffer of ${bytes(bufferBytes)}, and this adapter's limit is ${bytes(maxBufferBytes)}. Reduce the context or the number of answers.`,
  model_shape_unsupported: ({ detail }) => `This model cannot run here: ${detail}.`,
  gpu_out_of_memory: ({ detail }) => `The GPU is out of memory: ${detail}`,
  gpu_command_failed: ({ detail }) => `The GPU rejected a command: ${detail}`,
  gpu_lost: ({ detail }) => `The GPU device was lost: ${detail}. Load the model again.`,
  gpu_unavailable: ({ detail }) => `The browser no longer provides a GPU: ${detail}`,
  shard_unloaded: () => "The layers were unloaded from this tab.",
};
