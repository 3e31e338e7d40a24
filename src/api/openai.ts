/** The room behind the interface of the `openai` package: types of that package, no network. */
import type { ApiRoom } from "./http/api-room.ts";
import { ChatBody, chatCompletion } from "./http/completion-request.ts";
import { answerChunks, beginAnswer, wholeAnswer } from "./http/completions.ts";
import { parseValue } from "./http/errors.ts";
import type { CreateChatCompletion, Room } from "./public.ts";
import { wrapErrors } from "./wrap-errors.ts";

export function openaiOf(room: ApiRoom): Room["openai"] {
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
