/**
 * The watchdog of one stage: laps that do not come back, and steps that do not end, compared with what
 * this stage has measured. Knows no frames.
 */
import type { Generation } from "./generations.ts";
import { firstLapBoundMs, lapBoundMs, stepBoundMs } from "./time-bounds.ts";
import type { Work } from "./work-queue.ts";

export type Late = { readonly afterMs: number; readonly boundMs: number };

type Step = { readonly startMs: number; readonly rows: number; readonly batch: readonly Work[] };

export class LapWatch {
  readonly #stages: number;
  readonly #predictedMs: number | null;
  readonly #steps = new Set<Step>();
  #longestLapMs = 0;
  #longestRowMs: number | null = null;

  constructor(stages: number, predictedMs: number | null) {
    this.#stages = stages;
    this.#predictedMs = predictedMs;
  }

  /** Work of the generation came back to this stage. */
  returned(generation: Generation, nowMs: number): void {
    if (generation.nextPosition > generation.promptLength)
      this.#longestLapMs = Math.max(this.#longestLapMs, nowMs - generation.activeMs);
    generation.activeMs = nowMs;
  }

  stepStarted(batch: readonly Work[], rows: number, startMs: number): Step {
    const step = { startMs, rows, batch };
    this.#steps.add(step);
    return step;
  }

  /** Also of a step that failed, which says nothing of how long steps take. */
  stepEnded(step: Step, nowMs: number, rowMs: number | null): void {
    this.#steps.delete(step);
    if (rowMs !== null) this.#longestRowMs = Math.max(this.#longestRowMs ?? 0, rowMs);
    for (const { generation } of step.batch) {
      generation.activeMs = nowMs;
      if (generation.nextPosition <= generation.promptLength)
        generation.promptMs = nowMs - generation.admittedMs;
    }
  }

  /** The oldest step in flight, if it should have ended. */
  lateStep(nowMs: number): Late | null {
    for (const { startMs, rows } of this.#steps) {
      const afterMs = nowMs - startMs;
      const boundMs = stepBoundMs(rows, this.#longestRowMs);
      if (afterMs > boundMs) return { afterMs, boundMs };
    }
    return null;
  }

  /** Whether the next lap of a generation, of which nothing waits here, should have come back. */
  lateLap(generation: Generation, nowMs: number): Late | null {
    for (const { batch } of this.#steps)
      if (batch.some((work) => work.generation === generation)) return null;
    const afterMs = nowMs - generation.activeMs;
    const boundMs =
      generation.nextPosition > generation.promptLength
        ? lapBoundMs(this.#longestLapMs)
        : firstLapBoundMs({
            longestLapMs: this.#longestLapMs,
            ownPromptMs: generation.promptMs,
            stages: this.#stages,
            promptRows: generation.promptLength,
            predictedMs: this.#predictedMs,
          });
    return afterMs > boundMs ? { afterMs, boundMs } : null;
  }
}
