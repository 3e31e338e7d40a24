/**
 * What waits for a stage's next step, and which of it that step takes.
 *
 *   decode first    a row whose generation has ended its prompt always goes before prompts
 *   then prompts    in order of arrival; beside decode rows only a slice of one, so that
 *                   answers keep flowing while a long prompt is read
 *
 * Pure data; within a generation the order of arrival is kept.
 */
import type { StageClock } from "../mesh/frames.ts";
import type { Generation } from "./generations.ts";

/** Rows `[position, position + count)` of one generation that a step must compute. */
export type Work = {
  readonly generation: Generation;
  readonly position: number;
  readonly count: number;
  /** [count]; on stage 0. */
  readonly tokens: ArrayLike<number> | null;
  /** [count, width]; on the others. */
  readonly hidden: Float32Array | null;
  readonly clocks: readonly StageClock[];
  readonly wireMs: number;
  readonly arrivedAtMs: number;
};

/** The part of a step's rows that prompts may take while answers wait: 1 / this. */
const PROMPT_SHARE = 4;

export class WorkQueue {
  private waiting: Work[] = [];

  get length(): number {
    return this.waiting.length;
  }
  add(work: Work): void {
    this.waiting.push(work);
  }
  drop(generation: Generation): void {
    this.waiting = this.waiting.filter((work) => work.generation !== generation);
  }
  clear(): void {
    this.waiting = [];
  }

  /** Takes at most `maxRows` rows; empty when nothing waits. Work that is cut leaves its rest. */
  take(maxRows: number): Work[] {
    const decodes = this.waiting.filter(isDecode).slice(0, maxRows);
    const taken = new Set<Work>(decodes);
    const batch = [...decodes];
    const rest: Work[] = [];
    let room = maxRows - decodes.length;
    if (decodes.length > 0) room = Math.min(room, Math.max(1, Math.floor(maxRows / PROMPT_SHARE)));
    for (const work of this.waiting) {
      if (taken.has(work)) continue;
      const count = isDecode(work) ? 0 : Math.min(room, work.count);
      room -= count;
      if (count > 0) batch.push(part(work, 0, count));
      if (count < work.count) rest.push(part(work, count, work.count));
    }
    this.waiting = rest;
    return batch;
  }
}

function isDecode(work: Work): boolean {
  return work.position >= work.generation.promptLength;
}

/** The rows `[from, to)` of `work`, counted inside it. */
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
