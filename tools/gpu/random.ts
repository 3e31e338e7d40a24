/** Repeatable random numbers for tests. */

/** Uniform in [0, 1), from a seed (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** `count` numbers, uniform in [-1, 1). */
export function randomF32(count: number, seed = 1): Float32Array<ArrayBuffer> {
  const next = randomSource(seed);
  return Float32Array.from({ length: count }, () => next() * 2 - 1);
}
