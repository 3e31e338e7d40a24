/**
 * The watchdog of one stage: laps that do not come back, and steps that do not end. Each may take a multiple
 * of what this stage has measured, with floors for what has not happened before. Knows no frames.
 */
import type { Generation } from "./generations.ts";
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

/** Other answers, the prompts of others among them, share the steps of a lap. */
const LAP_FACTOR = 8;
const MIN_LAP_MS = 10_000;
/** The first lap reads the prompt, and shaders may still compile. */
const MIN_FIRST_LAP_MS = 30_000;
/** Per row of a prompt, for a pipeline whose times nobody predicted. */
const UNPREDICTED_ROW_MS = 1000;
/** A browser resets a GPU that hangs after about 10 s, and reports a lost device: this is for what remains. */
const STEP_FACTOR = 20;
const MIN_STEP_MS = 30_000;
/** For a shard that has not finished any step. */
const MIN_FIRST_STEP_MS = 120_000;
/** The requester waits longer than the stages, which know more. */
const REQUESTER_FACTOR = 2;

export type LapFacts = {
  /** Of all answers over this placement; 0 before the first. */
  readonly longestLapMs: number;
  /** What this stage itself took for the prompt. */
  readonly ownPromptMs: number;
  readonly stages: number;
  readonly promptRows: number;
  /** Of the whole pipeline, for one token; null for stages that a person chose. */
  readonly predictedMs: number | null;
};

/** Until a token follows the prompt. */
export function firstLapBoundMs(facts: LapFacts): number {
  const predictedMs = (facts.predictedMs ?? UNPREDICTED_ROW_MS) * facts.promptRows;
  const expectedMs = Math.max(facts.ownPromptMs * facts.stages, predictedMs, facts.longestLapMs);
  return Math.max(MIN_FIRST_LAP_MS, LAP_FACTOR * expectedMs);
}

/** Until a token follows a token. */
export function lapBoundMs(longestLapMs: number): number {
  return Math.max(MIN_LAP_MS, LAP_FACTOR * longestLapMs);
}

/** For a step of `rows`, where the slowest one so far took `rowMs` per row; null before the first. */
export function stepBoundMs(rows: number, rowMs: number | null): number {
  return rowMs === null ? MIN_FIRST_STEP_MS : Math.max(MIN_STEP_MS, STEP_FACTOR * rows * rowMs);
}

/** Until the requester gives up an attempt; `longestGapMs` is 0 before the first token. */
export function answerBoundMs(
  facts: Pick<LapFacts, "stages" | "promptRows" | "predictedMs">,
  longestGapMs: number | null,
): number {
  const bound =
    longestGapMs === null
      ? firstLapBoundMs({ ...facts, longestLapMs: 0, ownPromptMs: 0 })
      : lapBoundMs(longestGapMs);
  return REQUESTER_FACTOR * bound;
}
