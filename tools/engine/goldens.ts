/** llama.cpp's answers to the golden prompts, and how far ours may differ. */
import { expect } from "vitest";
import { type Exact, possibleTokens } from "./logit-error.ts";
import { openModel, type OpenedModel, openUrl, type ByteSource } from "../../src/model/index.ts";

export type Golden = {
  readonly name: string;
  readonly promptTokens: readonly number[];
  /** llama.cpp's answer. */
  readonly tokens: readonly number[];
  readonly exact: Exact;
};

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

/**
 * How many tokens of the answer no rounding may change: those before the first position at which an
 * error as large as llama.cpp's own could choose another token. llama.cpp rounds activations to 8 bits;
 * so do some of our variants, and float variants differ in the order of their sums.
 */
export function decidedTokens({ exact }: Golden): number {
  const first = exact.top.findIndex((_, i) => possibleTokens(exact, i).length > 1);
  return first < 0 ? exact.top.length : first;
}

/**
 * `answer[i]` is what our engine chose after the prompt and the oracle's own first i tokens. Where the
 * exact logits are decided it must be the best token, elsewhere one of those that rounding may choose.
 */
export function expectGolden({ name, exact }: Golden, answer: readonly number[]) {
  expect(answer.length).toBeLessThanOrEqual(exact.top.length);
  answer.forEach((token, i) => {
    expect(possibleTokens(exact, i), `${name}, token ${i} of the answer`).toContain(token);
  });
}
