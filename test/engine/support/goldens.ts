/** What llama.cpp answers to the golden prompts, and how far our answer may leave it. */
import { expect } from "vitest";
import { openModel, type OpenedModel } from "../../../src/model/open-model.ts";
import { openUrl } from "../../../src/model/url-source.ts";
import type { ByteSource } from "../../../src/model/byte-source.ts";

export type Golden = {
  readonly name: string;
  readonly promptTokens: readonly number[];
  readonly tokens: readonly number[];
  /** The oracle's most probable tokens at each position, with their probabilities. */
  readonly top: readonly (readonly (readonly [token: number, probability: number])[])[];
};

export const GOLDENS: readonly Golden[] = Object.values(
  import.meta.glob<Golden>("../../goldens/answers/*.json", { eager: true, import: "default" }),
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

/** The first position at which the oracle itself is undecided. */
export function firstNearTie({ top, tokens }: Golden): number {
  const tie = top.findIndex((entries) => entries[0]![1] - (entries[1]?.[1] ?? 0) < NEAR_TIE);
  return tie < 0 ? tokens.length : tie;
}

/** Equal up to the first near-tie, at which either of the oracle's best two will do. */
export function expectGolden(golden: Golden, answer: readonly number[]): void {
  const until = firstNearTie(golden);
  expect(answer.slice(0, until), golden.name).toEqual(golden.tokens.slice(0, until));
}

/** How many tokens are equal from the start. */
export function agreement(golden: Golden, answer: readonly number[]): number {
  const differs = golden.tokens.findIndex((token, i) => answer[i] !== token);
  return differs < 0 ? golden.tokens.length : differs;
}
