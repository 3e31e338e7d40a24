/**
 * The random number of a token: a hash of seed and position instead of a stream, so
 * that a repeated step, or a stage that takes over, gets the same number.
 *
 * The mixer is Chris Wellons' "lowbias32" (https://nullprogram.com/blog/2018/07/31/),
 * applied to the seed, then to the result xor the position.
 */

/** Uniform in [0, 1) with 24 bits, so that it stays below 1 as an f32 too. */
export function randomAt(seed: number, position: number): number {
  return (mix(mix(seed ^ 0x9e37_79b9) ^ position) >>> 8) / 2 ** 24;
}

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb_352d);
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b);
  return (x ^ (x >>> 16)) >>> 0;
}
