/** Answers as bodies of OpenAI's two completion routes, chat and text, whole or in chunks. */
import type { ChatCompletion, ChatCompletionChunk } from "openai/resources/chat/completions";
import type {
  Completion as TextCompletion,
  CompletionChoice,
  CompletionUsage,
} from "openai/resources/completions";
import type { AnswerEvent, AnswerUsage, ModelText } from "../../cluster/index.ts";
import type { Completion } from "./completion-request.ts";

export type WholeBody = ChatCompletion | TextCompletion;
export type ChunkBody = ChatCompletionChunk | TextCompletion;

export type TokenPart = Extract<AnswerEvent, { kind: "token" }>;

/** What a body is made from besides the answer itself. */
export type BodyContext = {
  readonly completion: Completion;
  readonly heading: { readonly id: string; readonly created: number; readonly model: string };
  /** Spells the tokens of log-probabilities. */
  readonly text: ModelText;
};

/** What one chunk adds to an answer. */
export type ChunkPart = {
  readonly text?: string;
  readonly tokens?: readonly TokenPart[];
  /** Where the text starts in the answer (the text route's `text_offset`). */
  readonly offset?: number;
  /** Only in the first chunk. */
  readonly promptTokens?: readonly number[];
  readonly finish?: "stop" | "length";
};

export function wholeBody(context: BodyContext, answer: Required<ChunkPart>): WholeBody {
  if (context.completion.kind === "text") return textBody(context, answer);
  const choice: ChatCompletion.Choice = {
    index: 0,
    message: { role: "assistant", content: answer.text, refusal: null },
    logprobs: chatLogprobs(context, answer),
    finish_reason: answer.finish,
    ...tokenIds(context, answer),
  };
  return { ...context.heading, object: "chat.completion", choices: [choice] };
}

/** Without a part, a chunk has no choices: the last one, if the client asked for the usage. */
export function chunkBody(context: BodyContext, part: ChunkPart | null): ChunkBody {
  if (context.completion.kind === "text") return textBody(context, part);
  const heading = { ...context.heading, object: "chat.completion.chunk" } as const;
  if (part === null) return { ...heading, choices: [] };
  const choice: ChatCompletionChunk.Choice = {
    index: 0,
    delta: {
      ...(part.promptTokens ? { role: "assistant" } : {}),
      ...(part.text === undefined ? {} : { content: part.text }),
    },
    logprobs: chatLogprobs(context, part),
    finish_reason: part.finish ?? null,
    ...tokenIds(context, part),
  };
  return { ...heading, choices: [choice] };
}

export function usageOf({ promptTokens, completionTokens }: AnswerUsage): CompletionUsage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** OpenAI's type has no null, but its streams send it until the last chunk. */
const UNFINISHED = null as unknown as CompletionChoice["finish_reason"];

function textBody(context: BodyContext, part: ChunkPart | null): TextCompletion {
  const heading = { ...context.heading, object: "text_completion" } as const;
  if (part === null) return { ...heading, choices: [] };
  const choice: CompletionChoice = {
    index: 0,
    text: part.text ?? "",
    logprobs: textLogprobs(context, part),
    finish_reason: part.finish ?? UNFINISHED,
    ...tokenIds(context, part),
  };
  return { ...heading, choices: [choice] };
}

/** The fields of `return_token_ids`, an extension that other servers have too. */
function tokenIds({ completion }: BodyContext, { promptTokens, tokens }: ChunkPart): object {
  if (!completion.returnTokenIds) return {};
  return {
    ...(promptTokens ? { prompt_token_ids: promptTokens } : {}),
    ...(tokens?.length ? { token_ids: tokens.map(({ token }) => token) } : {}),
  };
}

function chatLogprobs(context: BodyContext, { tokens = [] }: ChunkPart) {
  const count = context.completion.logprobs;
  if (count === null || tokens.length === 0) return null;
  const content = tokens.map((part) => ({
    ...spell(context, part),
    top_logprobs: part.top.slice(0, count).map((other) => spell(context, other)),
  }));
  return { content, refusal: null };
}

function textLogprobs(
  context: BodyContext,
  { tokens = [], offset = 0 }: ChunkPart,
): CompletionChoice.Logprobs | null {
  const count = context.completion.logprobs;
  if (count === null || tokens.length === 0) return null;
  let next = offset;
  return {
    tokens: tokens.map((part) => spell(context, part).token),
    token_logprobs: tokens.map(({ logprob }) => logprob ?? 0),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(
        top.slice(0, count).map((other) => [spell(context, other).token, other.logprob]),
      ),
    ),
    text_offset: tokens.map(({ text }) => {
      const start = next;
      next += text.length;
      return start;
    }),
  };
}

function spell(
  { text }: BodyContext,
  { token, logprob }: { readonly token: number; readonly logprob: number | null },
): { token: string; logprob: number; bytes: number[] } {
  const bytes = text.bytesOf(token);
  return { token: new TextDecoder().decode(bytes), logprob: logprob ?? 0, bytes: [...bytes] };
}
