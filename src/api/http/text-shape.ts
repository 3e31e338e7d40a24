/** Answers as bodies of `POST /v1/completions`. */
import type { Completion, CompletionChoice } from "openai/resources/completions";
import {
  type CompletionShape,
  type ShapeContext,
  spell,
  tokenIds,
  type TokenPart,
} from "./completion-shape.ts";

/** OpenAI's type has no null, but its streams send it until the last chunk. */
const UNFINISHED = null as unknown as CompletionChoice["finish_reason"];

export const textShape: CompletionShape<Completion, Completion> = {
  whole(context, { text, tokens, promptTokens, finish }) {
    const choice: CompletionChoice = {
      index: 0,
      text,
      logprobs: logprobsOf(context, tokens, 0),
      finish_reason: finish,
      ...tokenIds(context, promptTokens, tokens),
    };
    return bodyOf(context, [choice]);
  },

  chunk(context, part) {
    if (part === null) return bodyOf(context, []);
    const { text, token, offset, promptTokens, finish } = part;
    const tokens = token ? [token] : [];
    const choice: CompletionChoice = {
      index: 0,
      text: text ?? "",
      logprobs: token ? logprobsOf(context, tokens, offset ?? 0) : null,
      finish_reason: finish ?? UNFINISHED,
      ...(promptTokens || token ? tokenIds(context, promptTokens, tokens) : {}),
    };
    return bodyOf(context, [choice]);
  },
};

function bodyOf({ heading }: ShapeContext, choices: CompletionChoice[]): Completion {
  return { ...heading, object: "text_completion", choices };
}

function logprobsOf(
  context: ShapeContext,
  tokens: readonly TokenPart[],
  startOffset: number,
): CompletionChoice.Logprobs | null {
  const count = context.completion.logprobs;
  if (count === null) return null;
  let offset = startOffset;
  return {
    tokens: tokens.map((part) => spell(context, part).token),
    token_logprobs: tokens.map(({ logprob }) => logprob ?? 0),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(
        top.slice(0, count).map((other) => [spell(context, other).token, other.logprob]),
      ),
    ),
    text_offset: tokens.map(({ text }) => {
      const start = offset;
      offset += text.length;
      return start;
    }),
  };
}
