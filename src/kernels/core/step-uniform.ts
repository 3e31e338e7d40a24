/**
 * The uniform that changes with every step, bound at 0 of every kernel here.
 *
 *   struct Step {
 *     rows, samples, splits, split_positions: u32,
 *     row: array<vec4<u32>, MAX_ROWS>,   // sequence, position, token or sample, row of sample i
 *   }
 *
 * Nothing else that a kernel is bound to changes between tokens, so bind groups are created once.
 */

/** The most rows that any shard's steps have; the size of the uniform's table. */
export const MAX_ROWS = 512;

/** Rows of a prompt's chunk that a shard may take, smallest first. */
export const CHUNK_ROWS = [64, 128, 256, MAX_ROWS] as const;
export type ChunkRows = (typeof CHUNK_ROWS)[number];

/** The most rows of a step whose next token is requested. */
export const MAX_SAMPLES = 64;

export type StepRowParams = {
  readonly sequence: number;
  readonly position: number;
  /** A token id, or `earlierSample`. */
  readonly token: number;
};

/** Set in a row's token word where the rest of it is a sample of the step before. */
export const EARLIER_SAMPLE = 0x8000_0000;

/** The token word of a row whose token is what sample `index` of the step before chose. */
export const earlierSample = (index: number) => EARLIER_SAMPLE + index;

export type StepParams = {
  readonly rows: readonly StepRowParams[]; // at most MAX_ROWS
  /** Index into `rows` of each row whose next token is requested. */
  readonly samples: readonly number[];
  /** Parts into which attention splits the positions of each row. */
  readonly splits: number;
  /** Positions in each part. */
  readonly splitPositions: number;
};

/** The declaration that every kernel includes with `// #part step`. */
export const STEP_WGSL = `struct Step {
  rows: u32,
  samples: u32,
  splits: u32,
  split_positions: u32,
  row: array<vec4<u32>, ${MAX_ROWS}>,
}
@group(0) @binding(0) var<uniform> step: Step;`;

/** The bytes of `Step` that a step of so many rows reads. */
export const stepBytes = (rows: number) => 16 + 16 * rows;

export const STEP_BYTES = stepBytes(MAX_ROWS);

/** The bytes of `Step`, field for field. Throws when there are more than MAX_ROWS rows. */
export function packStep(params: StepParams): ArrayBuffer {
  const { rows, samples, splits, splitPositions } = params;
  if (rows.length > MAX_ROWS) {
    throw new RangeError(`a step holds at most ${MAX_ROWS} rows, not ${rows.length}`);
  }
  const words = new Uint32Array(STEP_BYTES / 4);
  words.set([rows.length, samples.length, splits, splitPositions]);
  rows.forEach(({ sequence, position, token }, i) => {
    words.set([sequence, position, token], 4 + 4 * i);
  });
  samples.forEach((row, i) => (words[4 + 4 * i + 3] = row));
  return words.buffer;
}
