/**
 * Answers that the room runs, and whose prompts do not come to stage 0: each would keep a slot that
 * others wait for. Knows no frames.
 */
import type { Clock, GenerationId } from "../shared/index.ts";

/** A prompt of a million tokens, at 70 kB/s. */
export const PROMPT_MS = 60_000;

export class MissingPrompts {
  readonly #after: Clock["after"];
  readonly #onMissing: (generation: GenerationId) => void;
  /** What cancels the timer of each; nothing is to be cancelled once its prompt came or was reported. */
  readonly #known = new Map<GenerationId, () => void>();

  constructor(after: Clock["after"], onMissing: (generation: GenerationId) => void) {
    this.#after = after;
    this.#onMissing = onMissing;
  }

  /** The generations that run, whose prompts this stage takes. */
  update(running: readonly GenerationId[]): void {
    const runs = new Set(running);
    for (const [generation, cancel] of this.#known) {
      if (runs.has(generation)) continue;
      cancel();
      this.#known.delete(generation);
    }
    for (const generation of runs) {
      if (this.#known.has(generation)) continue;
      const cancel = this.#after(PROMPT_MS, () => {
        this.came(generation);
        this.#onMissing(generation);
      });
      this.#known.set(generation, cancel);
    }
  }

  /** Its prompt is here, or what takes its place. */
  came(generation: GenerationId): void {
    this.#known.get(generation)?.();
    this.#known.set(generation, () => undefined);
  }
}
