/** llama.cpp's answers to the golden prompts, and how far ours may differ. */
import { expect } from "vitest";
import { openModel, type OpenedModel, openUrl, type ByteSource } from "../../src/model/index.ts";

export type Golden = {
  readonly name: string;
  readonly promptTokens: readonly number[];
  readonly tokens: readonly number[];
  /** The oracle's most probable tokens at each position, with their probabilities. */
  readonly top: readonly Candidates[];
  /** The same from F32 weights, for the first 12 and up to the first near-tie in `top`. */
  readonly floatTop: readonly Candidates[];
};

type Candidates = readonly (readonly [token: number, probability: number])[];

export const GOLDENS: readonly Golden[] = Object.values(
  import.meta.glob<Golden>("../../test/goldens/answers/*.json", { eager: true, import: "default" }),
);

export const MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";

/** The default model, from the server of this test page. */
export async function openDefaultModel(): Promise<{ model: OpenedModel; bytes: ByteSource }> {
  const url = new URL(`/models/${MODEL_FILE}`, location.href).href;
  const bytes = await openUrl(url);
  return { model: await openModel(bytes, { kind: "url", url }), bytes };
}

/** Where the oracle's best two are closer than this, rounding may choose the other. */
const NEAR_TIE = 0.1;

/**
 * The first position at which the oracle itself is undecided: its best two are
 * nearly tied, with the file's weights or with the same weights as F32. (llama.cpp
 * rounds activations beside quantized weights, and that alone moves a probability
 * of these answers by up to 0.13; see scripts/goldens.)
 */
export function firstNearTie({ top, floatTop, tokens }: Golden): number {
  const tie = top.findIndex((entries, i) => isTied(entries) || isTied(floatTop[i]!));
  return tie < 0 ? tokens.length : tie;
}

const isTied = (entries: Candidates) => entries[0]![1] - (entries[1]?.[1] ?? 0) < NEAR_TIE;

/**
 * `answer[i]` is what our engine chose after the prompt and the oracle's own first i
 * tokens. Where the oracle is decided it must be the oracle's token; at a near-tie one
 * of those that are nearly tied. Up to the first near-tie this is the answer itself.
 */
export function expectGolden({ name, tokens, top, floatTop }: Golden, answer: readonly number[]) {
  answer.forEach((token, i) => {
    const allowed = [tokens[i]!, ...nearBest(top[i]!), ...nearBest(floatTop[i] ?? [])];
    expect(allowed, `${name}, token ${i} of the answer`).toContain(token);
  });
}

const nearBest = (entries: Candidates) =>
  entries.filter(([, probability]) => entries[0]![1] - probability < NEAR_TIE).map(([id]) => id);
