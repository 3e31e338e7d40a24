/**
 * How far logits are from exact ones, and which tokens an error of that size could choose. Pure.
 *
 * An error is the root mean square of the differences over the vocabulary, less their mean: a number
 * added to all logits changes no probability.
 */
type Logits = ArrayLike<number>;

/** The exact computation of an answer, and llama.cpp's errors (scripts/goldens/errors.ts). */
export type Exact = {
  /** [positions] the most probable tokens, best first, each with its logit less the best one's. */
  readonly top: readonly (readonly (readonly [token: number, below: number])[])[];
  /** [positions] of llama.cpp, whose activations are int8. */
  readonly errors: readonly number[];
  /** `sampledLogits` of the first positions: base64 of f32 [SAMPLED_POSITIONS][vocabulary / SAMPLE_STEP]. */
  readonly logits: string;
  /** Of llama.cpp, over all of `logits`. */
  readonly error: number;
};

export const SAMPLED_POSITIONS = 12;
/** One of so many logits is kept. */
const SAMPLE_STEP = 384;

export const sampledLogits = (logits: Logits): number[] =>
  Array.from(logits).filter((_, token) => token % SAMPLE_STEP === 0);

/** Over the positions: [positions][logits]. */
export function logitError(actual: readonly Logits[], exact: readonly Logits[]): number {
  const variances = exact.map((row, i) => {
    const differences = Array.from(row, (logit, token) => actual[i]![token]! - logit);
    const mean = average(differences);
    return average(differences.map((difference) => (difference - mean) ** 2));
  });
  return Math.sqrt(average(variances));
}

const average = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The exact sampled logits: [SAMPLED_POSITIONS][vocabulary / SAMPLE_STEP]. */
export function exactLogits({ logits }: Exact): Float32Array[] {
  const bytes = Uint8Array.from(atob(logits), (character) => character.charCodeAt(0));
  const all = new Float32Array(bytes.buffer);
  const length = all.length / SAMPLED_POSITIONS;
  return Array.from({ length: SAMPLED_POSITIONS }, (_, i) =>
    all.subarray(i * length, (i + 1) * length),
  );
}

/** Standard deviations of the difference of two logits within which rounding may exchange them. */
const DEVIATIONS = 4;

/**
 * The tokens that may follow at a position, best first: those that an error as large as llama.cpp's
 * could make the best. One token where the position is decided.
 */
export function possibleTokens({ top, errors }: Exact, position: number): number[] {
  // The difference of two logits with independent errors has the error of each times sqrt(2).
  const within = DEVIATIONS * Math.SQRT2 * errors[position]!;
  return top[position]!.filter(([, below]) => -below < within).map(([token]) => token);
}
