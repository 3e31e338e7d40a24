/**
 * How the KV cache is divided: a few segments of positions, each a buffer for every layer, allocated
 * when a sequence first reaches it. Growing copies nothing, and a position's place never changes. Pure.
 */
/** Contexts up to this length are one segment: a smaller one would save little. */
const SMALL_CONTEXT = 512;
/** Attention loads tiles; segments start at multiples of this. */
const SEGMENT_STEP = 64;

/** First position of each segment, and the end of the last. Sizes double, so at least half is used. */
export function segmentStarts(contextTokens: number, maxSegments: number): number[] {
  const end = roundUp(contextTokens);
  let segments = 1;
  while (segments < maxSegments && end / 2 ** segments >= SMALL_CONTEXT) segments++;
  const starts = [0];
  for (let s = segments - 1; s > 0; s--) starts.push(roundUp(end / 2 ** s));
  return [...starts, end];
}

const roundUp = (positions: number) => Math.ceil(positions / SEGMENT_STEP) * SEGMENT_STEP;
