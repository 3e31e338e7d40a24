/** llama.cpp's answers as a room's clients see them: what is asked, and how far we must agree. */
import { expect } from "vitest";
import type { RoomApi } from "./room-api.ts";
import { decidedTokens, type Golden } from "../engine/goldens.ts";
import { MODEL } from "./e2e-room.ts";

export type AskedGolden = Golden & {
  /** The text before the model; with `messages`, what the chat template makes of them. */
  readonly prompt: string;
  readonly messages?: readonly { readonly role: string; readonly content: string }[];
};

const FILES = import.meta.glob<AskedGolden>("../../test/goldens/answers/*.json", {
  eager: true,
  import: "default",
});

export function golden(name: string): AskedGolden {
  const found = Object.values(FILES).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no golden answer is called ${name}`);
  return found;
}

export type GreedyAnswer = {
  readonly promptTokens: readonly number[];
  /** The end token too, when the answer came to one. */
  readonly tokens: readonly number[];
  readonly finish: string;
};

type Choice = {
  readonly prompt_token_ids: number[];
  readonly token_ids: number[];
  readonly finish_reason: string;
};

/** Asks as a client would: text by the older route, messages by the chat route. */
export async function askGreedily(
  api: RoomApi,
  { prompt, messages }: Pick<AskedGolden, "prompt" | "messages">,
  maxTokens: number,
): Promise<GreedyAnswer> {
  const response = await api.post(messages ? "/v1/chat/completions" : "/v1/completions", {
    model: MODEL,
    ...(messages ? { messages } : { prompt }),
    temperature: 0,
    max_tokens: maxTokens,
    return_token_ids: true,
  });
  const { choices } = (await response.json()) as { choices: Choice[] };
  const { prompt_token_ids, token_ids, finish_reason } = choices[0]!;
  return { promptTokens: prompt_token_ids, tokens: token_ids, finish: finish_reason };
}

/** Asks several at once: the room runs them in one batch, and each is answered as it would be alone. */
export function askTogether(
  api: RoomApi,
  asked: readonly AskedGolden[],
  maxTokens: number,
): Promise<readonly GreedyAnswer[]> {
  return Promise.all(asked.map((one) => askGreedily(api, one, maxTokens)));
}

/**
 * The prompt's ids are llama.cpp's always; the answer's up to the first position at which rounding may
 * choose another token. An answer may end at an end token, where the golden continues.
 */
export function expectAsLlamaCpp(oracle: AskedGolden, answer: GreedyAnswer): void {
  expect(answer.promptTokens, `${oracle.name}: prompt`).toEqual(oracle.promptTokens);
  const count = Math.min(answer.tokens.length, decidedTokens(oracle));
  expect(answer.tokens.slice(0, count), `${oracle.name}: answer`).toEqual(
    oracle.tokens.slice(0, count),
  );
}
