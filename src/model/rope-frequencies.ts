/**
 * The angles of RoPE, with the file's scaling.
 *
 *   unscaled   f[i] = base^(-2i / dims), divided by rope_freqs[i] if the file has it (Llama 3)
 *   linear     f[i] / factor
 *   yarn       between the two, by how often pair i turns within the original context
 *
 * Formulas: rope_yarn and ggml_rope_yarn_corr_dims in ggml (MIT).
 */
import type { Metadata } from "./metadata.ts";
import { unsupported } from "./model-error.ts";

export type RopeParameters = {
  readonly dims: number;
  readonly base: number;
  readonly scaling: "none" | "linear" | "yarn";
  readonly factor: number;
  readonly originalContextTokens: number;
  readonly attentionFactor: number;
  readonly yarnExtrapolation: number;
  /** Turns within the original context above which a pair is not scaled at all. */
  readonly yarnFastTurns: number;
  /** Turns below which it is scaled as in "linear". */
  readonly yarnSlowTurns: number;
};

/** `prefix` is the architecture's name. By default, all of `headSize` is rotated. */
export function ropeParameters(
  metadata: Metadata,
  prefix: string,
  headSize: number,
  contextTokens: number,
): RopeParameters {
  const number = (key: string, fallback: number) =>
    metadata.number(`${prefix}.rope.${key}`, fallback);
  const scaling = metadata.text(`${prefix}.rope.scaling.type`, "");
  const factor = number("scaling.factor", number("scale_linear", 1));
  const kind = scaling === "" ? (factor === 1 ? "none" : "linear") : scaling;
  if (kind !== "none" && kind !== "linear" && kind !== "yarn") {
    throw unsupported("rope_scaling", scaling, ["none", "linear", "yarn"]);
  }
  return {
    dims: metadata.integer(`${prefix}.rope.dimension_count`, headSize),
    base: number("freq_base", 10_000),
    scaling: kind,
    factor: kind === "none" || factor <= 0 ? 1 : factor,
    originalContextTokens: metadata.integer(
      `${prefix}.rope.scaling.original_context_length`,
      contextTokens,
    ),
    attentionFactor: number("scaling.attn_factor", 1),
    yarnExtrapolation: number("scaling.yarn_ext_factor", 1),
    yarnFastTurns: number("scaling.yarn_beta_fast", 32),
    yarnSlowTurns: number("scaling.yarn_beta_slow", 1),
  };
}

/** `divisors` [dims / 2] is the tensor rope_freqs, or null. Returns angles per position. */
export function ropeFrequencies(
  parameters: RopeParameters,
  divisors: Float32Array | null,
): { frequencies: Float64Array; magnitude: number } {
  const { dims, base, scaling, factor, yarnExtrapolation, attentionFactor } = parameters;
  const [low, high] = yarnRange(parameters);
  const frequencies = new Float64Array(dims / 2);
  for (let i = 0; i < dims / 2; i++) {
    const unscaled = base ** ((-2 * i) / dims) / (divisors?.[i] ?? 1);
    const keep =
      scaling === "yarn"
        ? yarnExtrapolation * (1 - clampUnit((i - low) / Math.max(0.001, high - low)))
        : 0;
    frequencies[i] = (unscaled / factor) * (1 - keep) + unscaled * keep;
  }
  const yarnMagnitude =
    scaling === "yarn" && yarnExtrapolation !== 0 ? 1 + 0.1 * Math.log(factor) : 1;
  return { frequencies, magnitude: attentionFactor * yarnMagnitude };
}

/** The pairs between which yarn changes from unscaled to scaled. */
function yarnRange(parameters: RopeParameters): [number, number] {
  const { dims, base, originalContextTokens, yarnFastTurns, yarnSlowTurns } = parameters;
  const pairThatTurns = (turns: number) =>
    (dims * Math.log(originalContextTokens / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  return [
    Math.max(0, Math.floor(pairThatTurns(yarnFastTurns))),
    Math.min(dims - 1, Math.ceil(pairThatTurns(yarnSlowTurns))),
  ];
}

function clampUnit(value: number): number {
  return Math.min(1, Math.max(0, value));
}
