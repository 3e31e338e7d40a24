/** A batch of work as the engine's input: its rows, and the hidden states of those rows. */
import type { StepRow } from "../engine/index.ts";
import type { Work } from "./work-queue.ts";

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
  for (const { position, count, generation } of batch) {
    rows += count;
    if (position >= generation.promptLength) decodeRows += count;
  }
  return { rows, decodeRows };
}

/** The work that each row belongs to. */
export function workOfRows(batch: readonly Work[]): Work[] {
  return batch.flatMap((work) => Array.from({ length: work.count }, () => work));
}
