/**
 * What rooms in tests run in place of a tab's workers: the solver in this thread, CPU shards, and a
 * simulated model file and tokenizer. Token t is the character with code 32 + t.
 */
import type { ModelHost, ModelText, Planner } from "../../src/cluster/index.ts";
import { placementService } from "../../src/placement/index.ts";
import type { StageHost } from "../../src/stage/index.ts";
import { LAYERS } from "../cpu/cpu-room.ts";
import { cpuDescription } from "../cpu/cpu-shard.ts";
import { modelSummary } from "./test-data.ts";

export const text: ModelText = {
  encodeChat: (messages) =>
    Promise.resolve(codes(messages.map(({ role, content }) => `<${role}>${content}`).join(""))),
  encodeText: (prompt) => Promise.resolve(codes(prompt)),
  decoder: () => ({ push: (token) => String.fromCharCode(32 + token), finish: () => "" }),
  bytesOf: (token) => Uint8Array.of(32 + token),
  endTokens: [],
};

/** The solver's clock advances whenever it is read, so that answers do not depend on the machine's load. */
let readings = 0;
const MS_PER_READING = 0.01;
const service = placementService(() => MS_PER_READING * readings++);

/** The product's solver, in this thread. */
export const planner: Planner = {
  solve: (problem, options) => Promise.resolve(service.solve(problem, options)),
  explained: (problem, options) => Promise.resolve(service.explained(problem, options)),
};

export function codes(prompt: string): Uint32Array<ArrayBuffer> {
  return Uint32Array.from([...prompt].map((character) => (character.codePointAt(0) ?? 32) - 32));
}

/** Loads CPU shards into `host`. */
export function hostModels(host: StageHost, beforeLoad?: () => Promise<void>): ModelHost {
  return {
    inspect: (source) => Promise.resolve(modelSummary({ source })),
    async loadShard(
      { missing, contextTokens, generationSlots: sequences, activations, role },
      onProgress,
    ) {
      await beforeLoad?.();
      onProgress({ phase: "downloading", doneBytes: 0, totalBytes: 1000 });
      const { port1 } = new MessageChannel();
      const options = {
        contextTokens,
        sequences,
        activations,
        memoryBudgetBytes: 1e9,
        submitWhileWaiting: false,
      };
      try {
        return await host.loadShard(
          cpuDescription(missing.first, missing.end, LAYERS),
          options,
          port1,
          () => undefined,
          role,
        );
      } finally {
        port1.close();
      }
    },
    unloadShard: () => host.unloadShard(),
    unloadNext: () => host.unloadNext(),
    text: () => Promise.resolve(text),
  };
}
