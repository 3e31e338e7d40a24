/** The reference of the sampling kernels. */
import {
  countTokens,
  hasPenalties,
  NO_TOKEN,
  type SampleOutcome,
  type SampleParams,
} from "./sample.ts";

/** One row of logits, sorted and truncated in f64. */
export function sampleReference(logits: Float32Array, sample: SampleParams): SampleOutcome {
  const raw = Float64Array.from(logits);
  const maxLogit = raw.reduce((a, b) => Math.max(a, b), -Infinity);
  const logSum = maxLogit + Math.log(raw.reduce((sum, x) => sum + Math.exp(x - maxLogit), 0));
  const changed = penalized(raw, sample);
  const order = [...changed.keys()].sort((a, b) => changed[b]! - changed[a]! || a - b);
  const chosen = sample.temperature === 0 ? order[0]! : draw(changed, order, sample);
  const token = Number.isFinite(changed[order[0]!]) ? chosen : NO_TOKEN;
  if (sample.topLogprobs === 0) return { token, logprob: null, top: [] };
  const byRaw = [...raw.keys()].sort((a, b) => raw[b]! - raw[a]! || a - b);
  const entry = (id: number) => ({ token: id, logprob: raw[id]! - logSum });
  return {
    token,
    logprob: raw[token]! - logSum,
    top: byRaw.slice(0, sample.topLogprobs).map(entry),
  };
}

function penalized(raw: Float64Array, sample: SampleParams): Float64Array {
  const out = Float64Array.from(raw);
  if (!hasPenalties(sample)) return out;
  for (const [token, count] of countTokens(sample.recentTokens)) {
    const x = out[token]!;
    const repeated = x > 0 ? x / sample.repetitionPenalty : x * sample.repetitionPenalty;
    out[token] = repeated - count * sample.frequencyPenalty - sample.presencePenalty;
  }
  return out;
}

function draw(logits: Float64Array, order: readonly number[], sample: SampleParams): number {
  const { topK, topP, minP, temperature, random } = sample;
  const best = logits[order[0]!]!;
  let kept = topK > 0 ? order.slice(0, topK) : [...order];
  if (topP < 1) {
    const weights = kept.map((id) => Math.exp(logits[id]! - best));
    const wanted = topP * weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    const last = weights.findIndex((weight) => (sum += weight) >= wanted);
    if (last >= 0) kept = kept.slice(0, last + 1);
  }
  if (minP > 0) kept = kept.filter((id) => logits[id]! >= best + Math.log(minP));
  kept.sort((a, b) => a - b);
  const weights = kept.map((id) => Math.exp((logits[id]! - best) / temperature));
  const target = random * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const chosen = weights.findIndex((weight) => (sum += weight) > target);
  return kept[chosen >= 0 ? chosen : kept.length - 1]!;
}
