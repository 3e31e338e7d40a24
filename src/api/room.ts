/** The room that `joinRoom` returns, over the client of a tab. */
import { invitationLink, type Stage } from "../shared/index.ts";
import type { ApiRoom } from "./http/api-room.ts";
import { findModel } from "./http/choose-model.ts";
import { ChatBody, chatCompletion } from "./http/completion-request.ts";
import { answerChunks, beginAnswer } from "./http/completions.ts";
import { parseValue } from "./http/errors.ts";
import { openaiOf } from "./openai.ts";
import type { ChatMessage, ChatOptions, ChatPart, PlaceOptions, Room } from "./public.ts";
import { wrapErrors } from "./wrap-errors.ts";

/** `server` serves the page that the room's link opens; `close` releases what `room.client` runs on. */
export function createRoom(room: ApiRoom, server: string, close: () => void): Room {
  const { client } = room;
  const { origin } = new URL(server);
  const wrap = wrapErrors(room);
  return {
    get state() {
      return client.state;
    },
    get link() {
      return invitationLink(origin, client.state.room, client.key.secret);
    },
    subscribe: (listener) => client.subscribe(() => listener(client.state)),
    place: (options) => wrap.promise(place(room, options)),
    chat: (messages, options = {}) => wrap.parts(chat(room, messages, options)),
    openai: openaiOf(room),
    async leave() {
      await client.handOver();
      close();
    },
  };
}

async function place(room: ApiRoom, { model, stages, signal }: PlaceOptions): Promise<void> {
  await room.client.place({
    model: await findModel(room, model),
    ...(stages ? { stages: stages as readonly Stage[] } : {}),
    ...(signal ? { signal } : {}),
  });
}

async function* chat(
  room: ApiRoom,
  messages: readonly ChatMessage[],
  { maxTokens, topP, topK, signal, ...options }: ChatOptions,
): AsyncGenerator<ChatPart, void> {
  const body = { ...options, messages, max_tokens: maxTokens, top_p: topP, top_k: topK };
  const completion = chatCompletion(parseValue(ChatBody, body));
  const answering = await beginAnswer(room, completion, signal).catch((error: unknown) => {
    if (signal?.aborted) return null;
    throw error;
  });
  if (answering === null) return;
  for await (const { choices } of answerChunks(answering)) {
    const [choice] = choices;
    if (choice === undefined || !("delta" in choice)) continue;
    const text = choice.delta.content ?? "";
    const finish = choice.finish_reason as ChatPart["finish"];
    if (text !== "" || finish !== null) yield { text, finish };
  }
}
