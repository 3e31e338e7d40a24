/**
 * From an OpenAI client over the real server and the bridge to a room, and back;
 * and what a client sees when the coordinator changes.
 */
import OpenAI from "openai";
import { WebSocket } from "ws";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BridgeSocket } from "../../src/api/bridge-client.ts";
import { keepBridge } from "../../src/api/keep-bridge.ts";
import type { RoomClient } from "../../src/cluster/room-client.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { HALF } from "../../tools/room/test-data.ts";
import { codes } from "../../tools/room/test-host.ts";
import { until } from "../../tools/room/test-room.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";
import { type ApiTestRoom, OFFERED, openApiRoom } from "./api-room.ts";

const SECRET = createRoomSecret();

let server: TestServer;
let room: ApiTestRoom;
let stops: (() => void)[];

beforeEach(async () => {
  server = await openTestServer();
  room = await openApiRoom([HALF, HALF, HALF], 2);
  stops = [...room.room.tabs.values()].map(({ client }) => bridge(client));
  await answering();
});
afterEach(async () => {
  stops.forEach((stop) => stop());
  room.room.close();
  await server.close();
});

function bridge(client: RoomClient): () => void {
  return keepBridge(
    { client, offeredModels: () => Promise.resolve(OFFERED) },
    {
      server: server.url,
      key: () => ({ secret: SECRET, succession: [] }),
      open: (url) => new WebSocket(url) as unknown as BridgeSocket,
    },
  );
}

/** The server forwards to the room. */
async function answering(coordinator?: string): Promise<void> {
  let said: { coordinator?: string } = {};
  const ask = async () => {
    const response = await fetch(`${server.url}/api/state`);
    said = response.ok ? ((await response.json()) as typeof said) : {};
  };
  await until(() => {
    void ask().catch(() => undefined);
    return said.coordinator !== undefined && said.coordinator !== coordinator;
  }, "the server to know the coordinator");
}

function openai(): OpenAI {
  return new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
}

const chat = {
  model: "tiny",
  messages: [{ role: "user" as const, content: "HI" }],
  temperature: 0,
  max_tokens: 8,
};

async function truth(count: number): Promise<string> {
  const tokens = await referenceAnswer([...codes("<user>HI")], count);
  return tokens.map((token) => String.fromCharCode(32 + token)).join("");
}

test("the openai client lists models, asks, and streams", async () => {
  const client = openai();
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["tiny"]);
  const whole = await client.chat.completions.create(chat);
  expect(whole.choices[0]?.message.content).toBe(await truth(8));
  const stream = await client.chat.completions.create({ ...chat, stream: true });
  let streamed = "";
  for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? "";
  expect(streamed).toBe(await truth(8));
});

test("its errors are OpenAI's", async () => {
  await expect(openai().chat.completions.create({ ...chat, n: 3 })).rejects.toMatchObject({
    status: 400,
    param: "n",
    error: { reason: { reason: "unsupported_value", feature: "n" } },
  });
  await expect(openai().chat.completions.create({ ...chat, model: "huge" })).rejects.toMatchObject({
    status: 404,
    code: "model_not_found",
  });
});

test("a client that disconnects frees the room", async () => {
  const stream = await openai().chat.completions.create({ ...chat, max_tokens: 200, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) break;
  }
  await room.room.until(({ generations }) => generations.length === 0, "the generation to end");
});

test("after the coordinator leaves, the new one responds", async () => {
  const first = room.client.self;
  stops[0]?.();
  room.room.tabs.get(first)?.crash();
  await answering(first);
  const whole = await openai().chat.completions.create(chat);
  expect(whole.choices[0]?.message.content).toBe(await truth(8));
});
