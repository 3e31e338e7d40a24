/** `POST /v1/chat/completions` and `POST /v1/completions`: the room answers, whole or in pieces. */
import type { AnswerEvent } from "../../cluster/answer.ts";
import type { ModelText } from "../../cluster/parts.ts";
import { RoomError } from "../../cluster/room-error.ts";
import type { RoomState } from "../../shared/state.ts";
import { ensureModel } from "./choose-model.ts";
import type { Completion } from "./completion-request.ts";
import { chunkBody, type Heading, usageChunk, wholeBody } from "./completion-shape.ts";
import { errorBody } from "./errors.ts";
import { eventStream, type HttpResponse, type HttpRoom, json } from "./message.ts";
import { StageTimes } from "./stage-times.ts";

type Answering = {
  readonly completion: Completion;
  readonly heading: Heading;
  readonly text: ModelText;
  readonly events: AsyncGenerator<AnswerEvent, void>;
  readonly promptTokens: readonly number[];
  readonly state: () => RoomState;
};

/** Resolves once the answer has begun, so that what goes wrong before has a status of its own. */
export async function complete(
  room: HttpRoom,
  completion: Completion,
  signal?: AbortSignal,
): Promise<HttpResponse> {
  const { client } = room;
  const model = await ensureModel(room, completion.model, signal);
  const text = await client.text(model);
  const { input, sampling, maxTokens, stop } = completion;
  const events = client.ask({
    input,
    sampling,
    maxTokens,
    stop,
    ...(signal ? { signal } : {}),
  });
  const answering: Answering = {
    completion,
    heading: {
      id: `${completion.kind === "chat" ? "chatcmpl" : "cmpl"}-${crypto.randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: model.name,
    },
    text,
    events,
    promptTokens: await promptOf(events),
    state: () => client.state,
  };
  return completion.stream ? eventStream(pieces(answering)) : json(await whole(answering));
}

/** Reads up to the start of the answer. */
async function promptOf(events: AsyncGenerator<AnswerEvent, void>): Promise<readonly number[]> {
  let prompt: readonly number[] = [];
  for (;;) {
    // Not a loop over `events`: leaving that would end the answer.
    const { value: event, done } = await events.next();
    if (done || event.kind === "finished") {
      throw new RoomError("cancelled", "The request was cancelled before it began.");
    }
    if (event.kind === "prepared") prompt = event.promptTokens;
    if (event.kind === "started") return prompt;
  }
}

async function whole(answering: Answering) {
  const { completion, heading, text, events, promptTokens } = answering;
  const tokens: Extract<AnswerEvent, { kind: "token" }>[] = [];
  const times = new StageTimes(answering.state);
  let said = "";
  for await (const event of events) {
    if (event.kind === "token") {
      tokens.push(event);
      times.add(event);
      said += event.text;
    }
    if (event.kind !== "finished") continue;
    if (event.finish === "cancelled") break;
    const { finish, usage } = event;
    const timings = times.summary(event);
    const answer = { text: said + event.text, tokens, promptTokens, finish, usage, timings };
    return wholeBody(completion, heading, answer, text);
  }
  throw new RoomError("cancelled", "The request was cancelled.");
}

async function* pieces(answering: Answering): AsyncGenerator<string, void> {
  const { completion, heading, text, events, promptTokens } = answering;
  const times = new StageTimes(answering.state);
  const chunk = (part: Parameters<typeof chunkBody>[2]) =>
    event(chunkBody(completion, heading, part, text));
  const saysTokens = completion.returnTokenIds || completion.logprobs !== null;
  let offset = 0;
  try {
    yield chunk({ text: "", promptTokens });
    for await (const part of events) {
      if (part.kind === "token") {
        times.add(part);
        if (part.text !== "" || saysTokens) yield chunk({ text: part.text, token: part, offset });
        offset += part.text.length;
      } else if (part.kind === "finished") {
        if (part.finish === "cancelled") return;
        if (part.text !== "") yield chunk({ text: part.text });
        yield chunk({ finish: part.finish });
        if (completion.includeUsage) {
          yield event(usageChunk(completion, heading, part.usage, times.summary(part)));
        }
      }
    }
  } catch (error) {
    // The status is sent already: the error goes as an event, as OpenAI's clients expect.
    yield event(errorBody(error).body);
    return;
  } finally {
    await events.return();
  }
  yield "data: [DONE]\n\n";
}

function event(body: object): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}
