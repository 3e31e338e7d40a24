/**
 * The generations of one stage. Each has a sequence slot of the shard's KV cache,
 * its tokens, and its sampling and end conditions. Knows no channels.
 */
import type { SampleRequest } from "../engine/index.ts";
import type { PromptFrame } from "../mesh/index.ts";
import type { GenerationId, Sampling } from "../shared/index.ts";
import { randomAt } from "./random.ts";

export class Generation {
  readonly prompt: PromptFrame;
  readonly slot: number;
  /** Prompt and answer; complete on the last stage only. */
  readonly tokens: number[];
  /** The first position that is neither computed nor queued. */
  nextPosition = 0;
  /** Stage 0: when it sent the lap in flight, and the time of the previous lap on the wire. */
  sentAtMs = 0;
  wireMs = -1;

  constructor(prompt: PromptFrame, slot: number) {
    this.prompt = prompt;
    this.slot = slot;
    this.tokens = Array.from(prompt.tokens);
  }

  get id(): GenerationId {
    return this.prompt.generation;
  }
  get promptLength(): number {
    return this.prompt.tokens.length;
  }

  /** How the engine samples the token after `position`; null inside the prompt. */
  sampleAfter(position: number): SampleRequest | null {
    if (position < this.promptLength - 1) return null;
    const { sampling } = this.prompt;
    return {
      sampling,
      random: randomAt(sampling.seed, position),
      recentTokens: Uint32Array.from(
        hasPenalties(sampling) && sampling.penaltyTokens > 0
          ? this.tokens.slice(-sampling.penaltyTokens)
          : [],
      ),
    };
  }

  /** Whether the row at `position` can be computed before its token is known, and has not been queued. */
  continuesAt(position: number, contextTokens: number): boolean {
    return (
      position === this.nextPosition &&
      !hasPenalties(this.prompt.sampling) &&
      !this.#isFull(position, contextTokens)
    );
  }

  /** Adds a sampled token; returns its position and whether it is the last one. */
  append(
    token: number,
    contextTokens: number,
  ): { position: number; finish: "stop" | "length" | null } {
    const position = this.tokens.push(token) - 1;
    if (this.prompt.endTokens.includes(token)) return { position, finish: "stop" };
    return { position, finish: this.#isFull(position, contextTokens) ? "length" : null };
  }

  /**
   * Whether the answer ends with the token at `position`. The cache has no place for a token at
   * `contextTokens`, so none can follow it.
   */
  #isFull(position: number, contextTokens: number): boolean {
    return position + 1 - this.promptLength >= this.prompt.maxTokens || position >= contextTokens;
  }
}

function hasPenalties(sampling: Sampling): boolean {
  return (
    sampling.repetitionPenalty !== 1 ||
    sampling.presencePenalty !== 0 ||
    sampling.frequencyPenalty !== 0
  );
}

/** Generations by id, over a fixed number of sequence slots. */
export class GenerationTable {
  readonly #byId = new Map<GenerationId, Generation>();
  #freeSlots: number[];

  constructor(slots: number) {
    // `pop` takes the lowest slot first.
    this.#freeSlots = Array.from({ length: slots }, (_, index) => slots - 1 - index);
  }

  get(id: GenerationId): Generation | undefined {
    return this.#byId.get(id);
  }
  all(): Generation[] {
    return [...this.#byId.values()];
  }
  hasFreeSlot(): boolean {
    return this.#freeSlots.length > 0;
  }

  /** Null if no slot is free, or the id is in use. */
  add(prompt: PromptFrame): Generation | null {
    if (this.#byId.has(prompt.generation)) return null;
    const slot = this.#freeSlots.pop();
    if (slot === undefined) return null;
    const generation = new Generation(prompt, slot);
    this.#byId.set(generation.id, generation);
    return generation;
  }

  remove(generation: Generation): void {
    if (this.#byId.get(generation.id) !== generation) return;
    this.#byId.delete(generation.id);
    this.#freeSlots.push(generation.slot);
  }
}
