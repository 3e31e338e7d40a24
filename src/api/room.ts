/** A room as the library's users hold it: its state, and what they can ask of it. */
import type { ChatTurn } from "../cluster/index.ts";
import type { RoomState, Stage } from "../shared/index.ts";
import type { ApiRoom } from "./http/api-room.ts";
import { findModel } from "./http/choose-model.ts";
import { ChatBody, chatCompletion } from "./http/completion-request.ts";
import { answerChunks, beginAnswer } from "./http/completions.ts";
import { parseValue } from "./http/errors.ts";
import { openaiOf, type OpenAILike } from "./openai.ts";
import { wrapErrors } from "./tabmesh-error.ts";

export type PlaceOptions = {
  /** An id, a file name, or the URL of a GGUF file. */
  readonly model: string;
  /** The layers `[first, end)` of each member, in order; without them the solver chooses. */
  readonly stages?: readonly {
    readonly member: string;
    readonly first: number;
    readonly end: number;
  }[];
  readonly signal?: AbortSignal;
};

export type ChatOptions = {
  /** The default is the placed model, or the first that the server offers. */
  readonly model?: string;
  /** The default is as many as the context has space for. */
  readonly maxTokens?: number;
  /** 0 always takes the most probable token. */
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  /** The same seed gives the same answer; random unless given. */
  readonly seed?: number;
  /** The answer ends before any of these. */
  readonly stop?: string | readonly string[];
  /** Ends the answer early, without an error. */
  readonly signal?: AbortSignal;
};

export type ChatPart = {
  readonly text: string;
  /** Why the answer ended; null except in the last part. */
  readonly finish: "stop" | "length" | null;
};

export type Room = {
  /** The room's state after the latest event; a new object after each. */
  readonly state: RoomState;
  /** Calls `listener` after each change of the state. Returns a function that ends this. */
  readonly subscribe: (listener: (state: RoomState) => void) => () => void;
  /** Places a model. Resolves when every stage has loaded; rejects with a `TabmeshError`. */
  readonly place: (options: PlaceOptions) => Promise<void>;
  /** Streams an answer. Throws a `TabmeshError`. */
  readonly chat: (messages: readonly ChatTurn[], options?: ChatOptions) => AsyncIterable<ChatPart>;
  readonly openai: OpenAILike;
  /** Leaves the room and frees the tab's workers and connections. */
  readonly leave: () => Promise<void>;
};

/** `close` releases what `room.client` runs on. */
export function createRoom(room: ApiRoom, close: () => void): Room {
  const { client } = room;
  const wrap = wrapErrors(room);
  return {
    get state() {
      return client.state;
    },
    subscribe: (listener) => client.subscribe(() => listener(client.state)),
    place: (options) => wrap.promise(place(room, options)),
    chat: (messages, options = {}) => wrap.parts(chat(room, messages, options)),
    openai: openaiOf(room),
    leave() {
      close();
      return Promise.resolve();
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
  messages: readonly ChatTurn[],
  { maxTokens, topP, topK, signal, ...options }: ChatOptions,
): AsyncGenerator<ChatPart, void> {
  const body = { ...options, messages, max_tokens: maxTokens, top_p: topP, top_k: topK };
  const answering = await beginAnswer(room, chatCompletion(parseValue(ChatBody, body)), signal);
  for await (const { choices } of answerChunks(answering)) {
    const [choice] = choices;
    if (choice === undefined || !("delta" in choice)) continue;
    const text = choice.delta.content ?? "";
    const finish = choice.finish_reason as ChatPart["finish"];
    if (text !== "" || finish !== null) yield { text, finish };
  }
}
