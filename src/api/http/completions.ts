/**
 * Completions from the room, whole or in chunks, as OpenAI's bodies. The HTTP
 * routes send them as JSON or server-sent events; the library returns them.
 */
import type { AnswerEvent } from "../../cluster/index.ts";
import {
  type RecoveryProgress,
  RoomError,
  type RoomFailure,
  type RoomState,
} from "../../shared/index.ts";
import { describeRecovery, nameOfRoom } from "../../words/index.ts";
import type { ApiRoom } from "./api-room.ts";
import { ensureModel } from "./choose-model.ts";
import {
  type BodyContext,
  type ChunkBody,
  chunkBody,
  type ChunkPart,
  type TokenPart,
  usageOf,
  type WholeBody,
  wholeBody,
} from "./completion-bodies.ts";
import type { Completion } from "./completion-request.ts";
import { apiErrorOf } from "./errors.ts";
import { comment, dataEvent, eventStream } from "./event-stream.ts";
import { StageTimes } from "./stage-times.ts";

/** An answer that has begun. */
export type Answering = BodyContext & {
  readonly events: AsyncGenerator<AnswerEvent, void>;
  readonly promptTokens: readonly number[];
  readonly state: () => RoomState;
};

/** Resolves when the answer has begun, so that an earlier failure has an HTTP status of its own. */
export async function answerCompletion(
  room: ApiRoom,
  completion: Completion,
  signal: AbortSignal,
): Promise<Response> {
  const answering = await beginAnswer(room, completion, signal);
  return completion.stream
    ? eventStream(sseChunks(answering))
    : Response.json(await wholeAnswer(answering));
}

/** Places the model if necessary, and reads up to the start of the answer. */
export async function beginAnswer(
  room: ApiRoom,
  completion: Completion,
  signal?: AbortSignal,
): Promise<Answering> {
  const { client } = room;
  const model = await ensureModel(room, completion.model, signal);
  const text = await client.text(model);
  const { input, sampling, maxTokens, stop } = completion;
  const options = signal ? { signal } : {};
  const events = client.ask({ input, sampling, maxTokens, stop, ...options });
  return {
    completion,
    heading: {
      id: `${completion.kind === "chat" ? "chatcmpl" : "cmpl"}-${crypto.randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: model.name,
    },
    text,
    events,
    promptTokens: await readPrompt(events),
    state: () => client.state,
  };
}

async function readPrompt(events: AsyncGenerator<AnswerEvent, void>): Promise<readonly number[]> {
  let prompt: readonly number[] = [];
  for (;;) {
    // Not a loop over `events`, because leaving such a loop would end the answer.
    const { value: event, done } = await events.next();
    if (done || event.kind === "finished") {
      throw new RoomError({ reason: "cancelled" });
    }
    if (event.kind === "prepared") prompt = event.promptTokens;
    if (event.kind === "started") return prompt;
  }
}

export async function wholeAnswer(answering: Answering): Promise<WholeBody> {
  const { events, promptTokens } = answering;
  const tokens: TokenPart[] = [];
  const times = new StageTimes(answering.state);
  let text = "";
  for await (const event of events) {
    times.add(event);
    if (event.kind === "token") {
      tokens.push(event);
      text += event.text;
    }
    if (event.kind !== "finished") continue;
    if (event.finish === "cancelled") break;
    const { finish } = event;
    const answer = { text: text + event.text, tokens, offset: 0, promptTokens, finish };
    const body = wholeBody(answering, answer);
    return Object.assign(body, { usage: usageOf(event.usage), timings: times.summary(event) });
  }
  throw new RoomError({ reason: "cancelled" });
}

type AnswerPart =
  | { readonly chunk: ChunkBody }
  /** Why the answer pauses, and how far its recovery is. */
  | { readonly lost: RoomFailure; readonly progress: RecoveryProgress }
  /** The last part, unless the request was cancelled. */
  | { readonly complete: true };

/** Returns early, without a finish, when the request is cancelled. Ending it ends the answer. */
export async function* answerChunks(answering: Answering): AsyncGenerator<ChunkBody, void> {
  for await (const part of answerParts(answering)) if ("chunk" in part) yield part.chunk;
}

async function* answerParts(answering: Answering): AsyncGenerator<AnswerPart, void> {
  const { completion, events, promptTokens } = answering;
  const times = new StageTimes(answering.state);
  // OpenAI's streams with usage have it in every chunk: null until the last one.
  const usage = completion.includeUsage ? { usage: null } : {};
  const chunk = (part: ChunkPart): AnswerPart => ({
    chunk: Object.assign(chunkBody(answering, part), usage),
  });
  const reportsTokens = completion.returnTokenIds || completion.logprobs !== null;
  let offset = 0;
  let lost: RoomFailure = { reason: "generation_forgotten" };
  try {
    yield chunk({ text: "", promptTokens });
    for await (const part of events) {
      times.add(part);
      if (part.kind === "token") {
        if (part.text !== "" || reportsTokens) {
          yield chunk({ text: part.text, tokens: [part], offset });
        }
        offset += part.text.length;
      } else if (part.kind === "interrupted") lost = part.failure;
      else if (part.kind === "recovering") yield { lost, progress: part.progress };
      else if (part.kind === "finished") {
        if (part.finish === "cancelled") return;
        if (part.text !== "") yield chunk({ text: part.text });
        yield chunk({ finish: part.finish });
        if (completion.includeUsage) {
          const totals = { usage: usageOf(part.usage), timings: times.summary(part) };
          yield { chunk: Object.assign(chunkBody(answering, null), totals) };
        }
      }
    }
    yield { complete: true };
  } finally {
    await events.return();
  }
}

async function* sseChunks(answering: Answering): AsyncGenerator<string, void> {
  const nameOf = () => nameOfRoom(answering.state());
  try {
    for await (const part of answerParts(answering)) {
      if ("chunk" in part) yield dataEvent(part.chunk);
      else if ("lost" in part) yield comment(describeRecovery(part.lost, part.progress, nameOf()));
      else yield dataEvent("[DONE]");
    }
  } catch (error) {
    // The status has been sent: the error follows as an event, as OpenAI clients expect.
    yield dataEvent(apiErrorOf(error, nameOf()).body);
  }
}
