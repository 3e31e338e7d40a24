/** The room behind the interface of the `openai` package: types of that package, no network. */
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
} from "openai/resources/chat/completions";
import type { ApiRoom } from "./http/api-room.ts";
import { ChatBody, chatCompletion } from "./http/completion-request.ts";
import { answerChunks, beginAnswer, wholeAnswer } from "./http/completions.ts";
import { parseValue } from "./http/errors.ts";
import { wrapErrors } from "./tabmesh-error.ts";

/** The default model is the placed one, or the first that the server offers. */
type ModelOptional<Params extends { model: unknown }> = Omit<Params, "model"> & {
  model?: string;
};

export type CreateChatCompletion = {
  (
    body: ModelOptional<ChatCompletionCreateParamsNonStreaming>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ChatCompletion>;
  (
    body: ModelOptional<ChatCompletionCreateParamsStreaming>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<AsyncIterable<ChatCompletionChunk>>;
};

/** The part of an `OpenAI` client that a room offers. */
export type OpenAILike = {
  readonly chat: { readonly completions: { readonly create: CreateChatCompletion } };
};

export function openaiOf(room: ApiRoom): OpenAILike {
  const wrap = wrapErrors(room);
  const create = async (body: object, { signal }: { readonly signal?: AbortSignal } = {}) => {
    const completion = chatCompletion(parseValue(ChatBody, body));
    const answering = await beginAnswer(room, completion, signal);
    return completion.stream ? wrap.parts(answerChunks(answering)) : await wholeAnswer(answering);
  };
  // The overloads say which body gives which result; `create` decides by `body.stream`.
  const typed = ((body, options) => wrap.promise(create(body, options))) as CreateChatCompletion;
  return { chat: { completions: { create: typed } } };
}
