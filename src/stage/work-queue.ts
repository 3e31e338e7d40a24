/**
 * The work that waits for a stage's next step, which of it that step takes, and this batch as the engine's
 * input: its rows, and the hidden states of those rows.
 *
 *   decode first    rows after their generation's prompt go before prompts
 *   then prompts    in order of arrival; beside decode rows only a part of the step,
 *                   so that answers continue while a long prompt is read
 *   catching up     rows that one part of a chain lacks are computed alone, before all others
 *
 * Pure data. Work of one generation stays in order.
 */
import type { StepRow, StepToken } from "../engine/index.ts";
import type { StageClock } from "../mesh/index.ts";
import type { Generation } from "./generations.ts";
import type { ChainPart } from "./shard-chain.ts";

/** Rows `[position, position + count)` of one generation, to be computed. */
export type Work = {
  readonly generation: Generation;
  readonly position: number;
  readonly count: number;
  /** [count] on stage 0. */
  readonly tokens: ArrayLike<StepToken> | null;
  /** [count, width] on the other stages. */
  readonly hidden: Float32Array | null;
  /** The only part of a chain that computes them; null for all layers. */
  readonly part: ChainPart | null;
  readonly clocks: readonly StageClock[];
  readonly arrivedAtMs: number;
};

/** Beside answers, prompts may take 1 / PROMPT_SHARE of a step's rows. */
const PROMPT_SHARE = 4;

export class WorkQueue {
  #waiting: Work[] = [];

  get length(): number {
    return this.#waiting.length;
  }
  add(work: Work): void {
    this.#waiting.push(work);
  }
  has(generation: Generation): boolean {
    return this.#waiting.some((work) => work.generation === generation);
  }
  drop(generation: Generation): void {
    this.#waiting = this.#waiting.filter((work) => work.generation !== generation);
  }
  clear(): void {
    this.#waiting = [];
  }

  /** Takes at most `maxRows` rows; empty if nothing waits. The remainder of split work stays. */
  take(maxRows: number): Work[] {
    const behind = this.#waiting.find((work) => work.part !== null);
    if (behind !== undefined) return this.#takeOf(behind, maxRows);
    const decodes = this.#waiting.filter(isDecode).slice(0, maxRows);
    const taken = new Set<Work>(decodes);
    const batch = [...decodes];
    const remaining: Work[] = [];
    let space = maxRows - decodes.length;
    if (decodes.length > 0)
      space = Math.min(space, Math.max(1, Math.floor(maxRows / PROMPT_SHARE)));
    for (const work of this.#waiting) {
      if (taken.has(work)) continue;
      const count = isDecode(work) ? 0 : Math.min(space, work.count);
      space -= count;
      if (count > 0) batch.push(part(work, 0, count));
      if (count < work.count) remaining.push(part(work, count, work.count));
    }
    this.#waiting = remaining;
    return batch;
  }

  #takeOf(work: Work, maxRows: number): Work[] {
    const [taken, rest] = splitWork(work, Math.min(maxRows, work.count));
    this.#waiting = this.#waiting.flatMap((other) => (other !== work ? [other] : (rest ?? [])));
    return [taken!];
  }
}

function isDecode(work: Work): boolean {
  return work.position >= work.generation.promptLength;
}

/** The first `count` rows, and the others; null for none. */
export function splitWork(work: Work, count: number): [Work | null, Work | null] {
  const first = count > 0 ? part(work, 0, count) : null;
  return [first, count < work.count ? part(work, count, work.count) : null];
}

/** The rows `[from, to)` of `work`, relative to its first. */
function part(work: Work, from: number, to: number): Work {
  if (from === 0 && to === work.count) return work;
  const width = work.hidden === null ? 0 : work.hidden.length / work.count;
  return {
    ...work,
    position: work.position + from,
    count: to - from,
    tokens: work.tokens === null ? null : Array.prototype.slice.call(work.tokens, from, to),
    hidden: work.hidden?.subarray(from * width, to * width) ?? null,
  };
}

/** Rows in order. Only the last stage samples. */
export function rowsOf(batch: readonly Work[], isLast: boolean): StepRow[] {
  return batch.flatMap(({ generation, position, count, tokens }) =>
    Array.from({ length: count }, (_, row) => ({
      sequence: generation.slot,
      position: position + row,
      token: tokens?.[row] ?? 0,
      sample: isLast ? generation.sampleAfter(position + row) : null,
    })),
  );
}

/** [rows, width] in order; null on stage 0. */
export function hiddenOf(batch: readonly Work[]): Float32Array | null {
  const parts = batch.map(({ hidden }) => hidden).filter((hidden) => hidden !== null);
  return parts.length === 0 ? null : joined(parts);
}

/** One part as it is, or several in one. */
export function joined<Buffer extends ArrayBufferLike>(
  parts: readonly Float32Array<Buffer>[],
): Float32Array<Buffer | ArrayBuffer> {
  const [first, ...others] = parts;
  if (first !== undefined && others.length === 0) return first;
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** All rows, and those that belong to answers. */
export function countRows(batch: readonly Work[]): { rows: number; decodeRows: number } {
  let rows = 0;
  let decodeRows = 0;
  for (const work of batch) {
    rows += work.count;
    if (isDecode(work)) decodeRows += work.count;
  }
  return { rows, decodeRows };
}

/** The work that each row belongs to. */
export function workOfRows(batch: readonly Work[]): Work[] {
  return batch.flatMap((work) => Array.from({ length: work.count }, () => work));
}
