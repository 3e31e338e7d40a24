/** A room of one or two computing tabs, as the HTTP routes see it. */
/* oxlint-disable typescript/no-unsafe-assignment -- bodies are JSON of many shapes, and the expectations say which */
import { createParser } from "eventsource-parser";
import type { ApiRoom } from "../../src/api/http/api-room.ts";
import { createRoutes } from "../../src/api/http/router.ts";
import { TestRoom } from "../../tools/room/test-room.ts";

export type ApiTestRoom = ApiRoom & { readonly room: TestRoom };

export const OFFERED = [{ name: "tiny", url: "https://models.example/tiny.gguf" }];

/** The coordinator's view of a room with one tab for each memory size; the coordinator observes. */
export async function openApiRoom(memory: readonly number[], stepMs = 0): Promise<ApiTestRoom> {
  const room = new TestRoom();
  const { client } = await room.add("front", { observes: true });
  for (const [index, memoryBytes] of memory.entries()) {
    await room.add(`tab${index}`, { memoryBytes, stepMs });
  }
  return { room, client, offeredModels: () => Promise.resolve(OFFERED) };
}

/** Node passes an abort on to a request's signal only while the request is referenced. */
const SENT: Request[] = [];

/** Sends a request to the room's routes, without a server; `body` becomes JSON unless it is text. */
export async function request(
  room: ApiRoom,
  method: string,
  path: string,
  {
    body,
    ...init
  }: { body?: unknown; signal?: AbortSignal; headers?: Record<string, string> } = {},
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const sent = new Request(`http://localhost${path}`, {
    method,
    ...(body === undefined ? {} : { body: text }),
    ...init,
  });
  SENT.push(sent);
  return createRoutes(room).request(sent);
}

/** The status and the parsed body of a response. */
export async function jsonOf(response: Response | Promise<Response>) {
  const { status, body } = { status: (await response).status, body: (await response).json() };
  return { status, body: await body };
}

/** The data of a stream's events: parsed, except for "[DONE]". */
export async function eventsOf(response: Response): Promise<JsonBody[]> {
  const events: JsonBody[] = [];
  const parser = createParser({
    onEvent: ({ data }) => events.push(data === "[DONE]" ? data : JSON.parse(data)),
  });
  for await (const text of textOf(response)) parser.feed(text);
  return events;
}

/** The chunks of a body as they arrive; leaving the loop cancels the request. */
export async function* textOf(response: Response): AsyncGenerator<string, void> {
  if (response.body) yield* response.body.pipeThrough(new TextDecoderStream());
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type JsonBody = any;
