/** Asks the room through the OpenAI route, streaming, and passes on each piece of text. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import type { RoomApi } from "./room-api.ts";

/** The room's addition to the last chunk of a stream. */
export type Timings = {
  readonly first_token_ms: number | null;
  readonly total_ms: number;
  readonly tokens_per_second: number | null;
  readonly stages: readonly {
    readonly member: string | null;
    readonly first: number | null;
    readonly end: number | null;
    readonly compute_ms: number;
    readonly hop_ms: number;
  }[];
};

type Chunk = {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
  /** null before the last chunk. */
  readonly usage?: { readonly completion_tokens: number } | null;
  readonly timings?: Timings;
  readonly error?: { readonly message: string };
};

export type Answer = { readonly tokens: number; readonly timings: Timings };

export async function ask(
  api: RoomApi,
  model: string,
  question: string,
  onText: (text: string) => void,
  maxTokens = 64,
): Promise<Answer> {
  const response = await api.post("/v1/chat/completions", {
    model,
    messages: [{ role: "user", content: question }],
    temperature: 0,
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
  });
  let answer: Answer | null = null;
  for await (const chunk of chunksOf(response)) {
    if (chunk.error !== undefined) throw new Error(chunk.error.message);
    const text = chunk.choices[0]?.delta.content;
    if (text !== undefined) onText(text);
    if (chunk.usage != null && chunk.timings !== undefined) {
      answer = { tokens: chunk.usage.completion_tokens, timings: chunk.timings };
    }
  }
  if (answer === null) throw new Error("the answer ended without its usage and timings");
  return answer;
}

async function* chunksOf(response: Response): AsyncGenerator<Chunk> {
  const events = response
    .body!.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) {
    if (data !== "[DONE]") yield JSON.parse(data) as Chunk;
  }
}
