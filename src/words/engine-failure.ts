/** Why a member's GPU cannot hold or run layers. */
import type { EngineFailure } from "../shared/index.ts";
import type { Sentences } from "./sentences.ts";

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export const engineFailures: Sentences<EngineFailure> = {
  gpu_memory_exceeded: ({ weightBytes, cacheBytes, scratchBytes, budgetBytes }) => {
    const neededBytes = weightBytes + cacheBytes + scratchBytes;
    return (
      `These layers need ${mebibytes(neededBytes)} (weights ${mebibytes(weightBytes)}, context ${mebibytes(cacheBytes)}, working memory ${mebibytes(scratchBytes)}), ` +
      `${mebibytes(neededBytes - budgetBytes)} more than the ${mebibytes(budgetBytes)} that this tab may use. Give it fewer layers, or reduce the context.`
    );
  },
  gpu_buffer_too_large: ({ contextTokens, sequences, bufferBytes, maxBufferBytes }) =>
    `A context of ${contextTokens} tokens for ${sequences} answers needs a buffer of ${mebibytes(bufferBytes)}, and this adapter's limit is ${mebibytes(maxBufferBytes)}. Reduce the context or the number of answers.`,
  model_shape_unsupported: ({ detail }) => `This model cannot run here: ${detail}.`,
  gpu_out_of_memory: ({ detail }) => `The GPU is out of memory: ${detail}`,
  gpu_command_failed: ({ detail }) => `The GPU rejected a command: ${detail}`,
  gpu_lost: ({ detail }) => `The GPU device was lost: ${detail}. Load the model again.`,
  gpu_unavailable: ({ detail }) => `The browser provides no GPU any more: ${detail}`,
  shard_unloaded: () => "The layers were unloaded from this tab.",
};
