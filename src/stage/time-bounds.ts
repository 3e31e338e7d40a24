/**
 * How long a stage waits for a step, a lap, and a token: multiples of what it has measured, with
 * floors for what has not happened before. Pure.
 */

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
