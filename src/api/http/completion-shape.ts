/**
 * Answers in OpenAI's shapes: whole, and in pieces. Two families, chat and text,
 * that differ in names and in where the text and the log-probabilities sit.
 */
import type { AnswerEvent, AnswerUsage } from "../../cluster/answer.ts";
import type { ModelText } from "../../cluster/parts.ts";
import type { Completion } from "./completion-request.ts";

type TokenPart = Extract<AnswerEvent, { kind: "token" }>;

export type Heading = { readonly id: string; readonly created: number; readonly model: string };

/** Everything of a finished answer. */
export type WholeAnswer = {
  readonly text: string;
  readonly tokens: readonly TokenPart[];
  readonly promptTokens: readonly number[];
  readonly finish: "stop" | "length";
  readonly usage: AnswerUsage;
  readonly timings: object;
};

export function usageOf({ promptTokens, completionTokens }: AnswerUsage) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

export function wholeBody(
  completion: Completion,
  heading: Heading,
  answer: WholeAnswer,
  text: ModelText,
) {
  const logprobs = logprobsOf(completion, answer.tokens, text, 0);
  const content =
    completion.kind === "chat"
      ? { message: { role: "assistant", content: answer.text, refusal: null } }
      : { text: answer.text };
  return {
    ...heading,
    object: completion.kind === "chat" ? "chat.completion" : "text_completion",
    choices: [
      {
        index: 0,
        ...content,
        logprobs,
        finish_reason: answer.finish,
        ...(completion.returnTokenIds
          ? {
              prompt_token_ids: answer.promptTokens,
              token_ids: answer.tokens.map(({ token }) => token),
            }
          : {}),
      },
    ],
    usage: usageOf(answer.usage),
    timings: answer.timings,
  };
}

/** What one chunk of a stream says; absent parts are not said. */
export type ChunkPart = {
  readonly text?: string;
  readonly token?: TokenPart;
  /** Where the token's text starts in the answer (the text route's `text_offset`). */
  readonly offset?: number;
  readonly promptTokens?: readonly number[];
  readonly finish?: "stop" | "length";
};

export function chunkBody(
  completion: Completion,
  heading: Heading,
  part: ChunkPart,
  text: ModelText,
) {
  const tokens = part.token ? [part.token] : [];
  const isFirst = part.promptTokens !== undefined;
  const delta = isFirst
    ? { role: "assistant", content: part.text ?? "" }
    : part.text !== undefined
      ? { content: part.text }
      : {};
  const choice = {
    index: 0,
    ...(completion.kind === "chat" ? { delta } : { text: part.text ?? "" }),
    logprobs: tokens.length > 0 ? logprobsOf(completion, tokens, text, part.offset ?? 0) : null,
    finish_reason: part.finish ?? null,
    ...(completion.returnTokenIds && isFirst ? { prompt_token_ids: part.promptTokens } : {}),
    ...(completion.returnTokenIds && part.token ? { token_ids: [part.token.token] } : {}),
  };
  return { ...heading, object: chunkObject(completion), choices: [choice] };
}

/** The last chunk, when the client asked for the usage: no choices. */
export function usageChunk(
  completion: Completion,
  heading: Heading,
  usage: AnswerUsage,
  timings: object,
) {
  return {
    ...heading,
    object: chunkObject(completion),
    choices: [],
    usage: usageOf(usage),
    timings,
  };
}

function chunkObject({ kind }: Completion): string {
  return kind === "chat" ? "chat.completion.chunk" : "text_completion";
}

function logprobsOf(
  completion: Completion,
  tokens: readonly TokenPart[],
  text: ModelText,
  startOffset: number,
) {
  const { logprobs } = completion;
  if (logprobs === null) return null;
  const decoder = new TextDecoder();
  const entry = ({ token, logprob }: { token: number; logprob: number | null }) => {
    const bytes = text.bytesOf(token);
    return { token: decoder.decode(bytes), logprob: logprob ?? 0, bytes: [...bytes] };
  };
  if (completion.kind === "chat") {
    const content = tokens.map((part) => ({
      ...entry(part),
      top_logprobs: part.top.slice(0, logprobs).map(entry),
    }));
    return { content, refusal: null };
  }
  let offset = startOffset;
  return {
    tokens: tokens.map((part) => entry(part).token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map((part) =>
      Object.fromEntries(
        part.top.slice(0, logprobs).map((other) => [entry(other).token, other.logprob]),
      ),
    ),
    text_offset: tokens.map((part) => {
      const start = offset;
      offset += part.text.length;
      return start;
    }),
  };
}
