/** A room of one or two computing tabs, as the HTTP routes see it. */
/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-return -- bodies are JSON of many shapes, and the expectations say which */
import type { HttpRequest, HttpResponse, HttpRoom } from "../../src/api/http/message.ts";
import { handleRequest } from "../../src/api/http/router.ts";
import { TestRoom } from "../../tools/room/test-room.ts";

export type ApiRoom = HttpRoom & { readonly room: TestRoom };

export const OFFERED = [{ name: "tiny", url: "https://models.example/tiny.gguf" }];

/** The coordinator's view of a room with a tab of the given memory each; the coordinator observes. */
export async function openApiRoom(memory: readonly number[], stepMs = 0): Promise<ApiRoom> {
  const room = new TestRoom();
  const { client } = await room.add("front", { observes: true });
  for (const [index, memoryBytes] of memory.entries()) {
    await room.add(`tab${index}`, { memoryBytes, stepMs });
  }
  return { room, client, offeredModels: () => Promise.resolve(OFFERED) };
}

export function request(
  room: HttpRoom,
  method: string,
  path: string,
  change: Partial<Omit<HttpRequest, "body">> & { body?: unknown } = {},
): Promise<HttpResponse> {
  const { body, ...rest } = change;
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  return handleRequest({ method, path, query: {}, headers: {}, ...rest, body: text }, room);
}

/** The whole body of a response, parsed. */
export async function jsonOf(response: HttpResponse | Promise<HttpResponse>) {
  const { body, status } = await response;
  if (typeof body !== "string") throw new Error("a stream where JSON was expected");
  return { status, body: JSON.parse(body) };
}

/** The events of a stream: parsed data, and "[DONE]" as it is. */
export async function eventsOf(response: HttpResponse): Promise<JsonBody[]> {
  if (typeof response.body === "string") throw new Error(`no stream: ${response.body}`);
  let text = "";
  for await (const chunk of response.body) text += chunk;
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => {
      const data =
        event
          .split("\n")
          .find((line) => line.startsWith("data: "))
          ?.slice(6) ?? "";
      return data === "[DONE]" ? data : JSON.parse(data);
    });
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type JsonBody = any;
