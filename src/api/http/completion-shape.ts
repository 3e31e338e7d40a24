/**
 * What OpenAI's two families of bodies, chat and text, have in common. Their
 * differences are in `chat-shape.ts` and `text-shape.ts`.
 */
import type { CompletionUsage } from "openai/resources/completions";
import type { AnswerEvent, AnswerUsage, ModelText } from "../../cluster/index.ts";
import type { Completion } from "./completion-request.ts";

export type TokenPart = Extract<AnswerEvent, { kind: "token" }>;

export type Heading = { readonly id: string; readonly created: number; readonly model: string };

/** What a body is made from besides the answer itself. */
export type ShapeContext = {
  readonly completion: Completion;
  readonly heading: Heading;
  /** Spells the tokens of log-probabilities. */
  readonly text: ModelText;
};

export type WholeAnswer = {
  readonly text: string;
  readonly tokens: readonly TokenPart[];
  readonly promptTokens: readonly number[];
  readonly finish: "stop" | "length";
};

/** The contents of one chunk of a stream. */
export type ChunkPart = {
  readonly text?: string;
  readonly token?: TokenPart;
  /** Where the token's text starts in the answer (the text route's `text_offset`). */
  readonly offset?: number;
  /** Only in the first chunk. */
  readonly promptTokens?: readonly number[];
  readonly finish?: "stop" | "length";
};

export type CompletionShape<Whole, Chunk> = {
  whole(context: ShapeContext, answer: WholeAnswer): Whole;
  /** Without a part, a chunk has no choices: the last one, if the client asked for the usage. */
  chunk(context: ShapeContext, part: ChunkPart | null): Chunk;
};

export function usageOf({ promptTokens, completionTokens }: AnswerUsage): CompletionUsage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** The fields of `return_token_ids`, an extension that other servers have too. */
export function tokenIds(
  { completion }: ShapeContext,
  promptTokens: readonly number[] | undefined,
  tokens: readonly TokenPart[],
): object {
  if (!completion.returnTokenIds) return {};
  return {
    ...(promptTokens ? { prompt_token_ids: promptTokens } : {}),
    ...(tokens.length > 0 || promptTokens === undefined
      ? { token_ids: tokens.map(({ token }) => token) }
      : {}),
  };
}

export function spell(
  { text }: ShapeContext,
  { token, logprob }: { readonly token: number; readonly logprob: number | null },
): { token: string; logprob: number; bytes: number[] } {
  const bytes = text.bytesOf(token);
  return { token: new TextDecoder().decode(bytes), logprob: logprob ?? 0, bytes: [...bytes] };
}
