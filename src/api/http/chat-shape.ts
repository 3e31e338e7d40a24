/** Answers as bodies of `POST /v1/chat/completions`. */
import type { ChatCompletion, ChatCompletionChunk } from "openai/resources/chat/completions";
import {
  type CompletionShape,
  type ShapeContext,
  spell,
  tokenIds,
  type TokenPart,
} from "./completion-shape.ts";

export const chatShape: CompletionShape<ChatCompletion, ChatCompletionChunk> = {
  whole(context, { text, tokens, promptTokens, finish }) {
    const choice: ChatCompletion.Choice = {
      index: 0,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: logprobsOf(context, tokens),
      finish_reason: finish,
      ...tokenIds(context, promptTokens, tokens),
    };
    return { ...context.heading, object: "chat.completion", choices: [choice] };
  },

  chunk(context, part) {
    const heading = { ...context.heading, object: "chat.completion.chunk" } as const;
    if (part === null) return { ...heading, choices: [] };
    const { text, token, promptTokens, finish } = part;
    const tokens = token ? [token] : [];
    const choice: ChatCompletionChunk.Choice = {
      index: 0,
      delta: {
        ...(promptTokens ? { role: "assistant" } : {}),
        ...(text === undefined ? {} : { content: text }),
      },
      logprobs: token ? logprobsOf(context, tokens) : null,
      finish_reason: finish ?? null,
      ...(promptTokens || token ? tokenIds(context, promptTokens, tokens) : {}),
    };
    return { ...heading, choices: [choice] };
  },
};

function logprobsOf(
  context: ShapeContext,
  tokens: readonly TokenPart[],
): ChatCompletion.Choice.Logprobs | null {
  const count = context.completion.logprobs;
  if (count === null) return null;
  const content = tokens.map((part) => ({
    ...spell(context, part),
    top_logprobs: part.top.slice(0, count).map((other) => spell(context, other)),
  }));
  return { content, refusal: null };
}
