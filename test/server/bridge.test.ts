import { once } from "node:events";
import http from "node:http";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_BRIDGED_BODY_BYTES, type PageToServer } from "../../src/shared/bridge.ts";
import { RoomCode } from "../../src/shared/ids.ts";
import { answerJson, beginStream, openFakeRoom, ROOM, until } from "./fake-room.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";

type ErrorBody = { error: { message: string; type: string; code: string; reason: object } };

let server: TestServer;
beforeEach(async () => {
  server = await openTestServer();
});
afterEach(() => server.close());

const JSON_TYPE = { "content-type": "application/json" };
const other = RoomCode.parse("GHJKMN");
const get = (path: string, init?: RequestInit) => fetch(server.url + path, init);
const errorOf = async (response: Response) => ((await response.json()) as ErrorBody).error;

/** Waits until a room's hello has arrived. */
async function known(room: string = ROOM) {
  for (let tries = 0; tries < 200; tries += 1) {
    const { status } = await get(`/api/state?room=${room}`, { method: "HEAD" });
    if (status !== 503) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`room ${room} did not become known`);
}

describe("a request", () => {
  test("reaches the coordinator unchanged, and its response comes back", async () => {
    const room = await openFakeRoom(server.port, (request, self) =>
      answerJson(self, request.id, { got: request }, 201),
    );
    await known();
    const response = await get("/v1/completions?room=abcdef&x=1&x=2", {
      method: "POST",
      headers: { "content-type": "application/json", cookie: "secret=1" },
      body: '{"prompt": "héllo"}',
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      got: {
        method: "POST",
        path: "/v1/completions",
        query: { room: "abcdef", x: "2" },
        body: '{"prompt": "héllo"}',
      },
    });
    expect(room.received.at(-1)).not.toHaveProperty("headers.cookie");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("streams: a chunk arrives before the next one is sent", async () => {
    const room = await openFakeRoom(server.port, (request, self) => {
      if (request.method === "HEAD") return answerJson(self, request.id, null);
      beginStream(self, request.id);
      self.send({ type: "chunk", id: request.id, data: "data: one\n\n" });
    });
    await known();
    const response = await get("/v1/chat/completions", {
      method: "POST",
      headers: JSON_TYPE,
      body: "{}",
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("data: one\n\n");
    const id = room.received.at(-1)!.id;
    room.send({ type: "chunk", id, data: "data: [DONE]\n\n" });
    room.send({ type: "end", id });
    expect((await reader.read()).value).toBe("data: [DONE]\n\n");
    expect((await reader.read()).done).toBe(true);
  });

  test("is cancelled in the room when the client disconnects", async () => {
    const room = await openFakeRoom(server.port, (request, self) => {
      if (request.method === "HEAD") answerJson(self, request.id, null);
      else beginStream(self, request.id);
    });
    await known();
    const controller = new AbortController();
    const response = await get("/api/events", { signal: controller.signal });
    expect(response.status).toBe(200);
    const { id } = room.received.at(-1)!;
    controller.abort();
    await until(() => room.received.at(-1)?.type === "cancel", "the cancel");
    expect(room.received.at(-1)).toEqual({ type: "cancel", id });
  });

  test("is cancelled in the room after the headers of a HEAD", async () => {
    const room = await openFakeRoom(server.port, (request, self) => {
      if (request.path === "/api/events") beginStream(self, request.id);
      else answerJson(self, request.id, null);
    });
    await known();
    expect((await get("/api/events", { method: "HEAD" })).status).toBe(200);
    await until(() => room.received.at(-1)?.type === "cancel", "the cancel");
  });

  const PIECE = "x".repeat(64 * 1024);

  test("is paused while its client does not read, and resumed when it does", async () => {
    const sent = { pieces: 0 };
    const room = await openFakeRoom(server.port, (request, self) => {
      beginStream(self, request.id);
      // As a page does: until the pause.
      const send = () => {
        const { type } = self.received.at(-1)!;
        if (type === "pause") return;
        self.send({ type: "chunk", id: request.id, data: PIECE });
        sent.pieces += 1;
        setImmediate(send);
      };
      send();
    });
    const stream = http.get(`${server.url}/api/events`);
    const [response] = (await once(stream, "response")) as [http.IncomingMessage];
    response.pause();
    await until(() => room.received.at(-1)?.type === "pause", "the pause");
    let bytes = 0;
    response.on("data", (data: Buffer) => (bytes += data.length)).resume();
    await until(() => room.received.at(-1)?.type === "resume", "the resume");
    const ended = once(response, "end");
    room.send({ type: "end", id: room.received[0]!.id });
    await ended;
    expect(bytes).toBe(sent.pieces * PIECE.length);
  });

  test("is cancelled when its client does not read and the room does not pause", async () => {
    const room = await openFakeRoom(server.port, (request, self) => {
      if (request.path !== "/api/events") return answerJson(self, request.id, { fine: true });
      beginStream(self, request.id);
      for (let sent = 0; sent < 400; sent += 1)
        self.send({ type: "chunk", id: request.id, data: PIECE });
    });
    const stuck = http.get(`${server.url}/api/events`);
    stuck.on("response", (response) => response.pause()).on("error", () => undefined);
    await until(() => room.received.at(-1)?.type === "cancel", "the cancel");
    expect(await (await get("/api/state")).json()).toEqual({ fine: true });
    stuck.destroy();
  });

  test("gets 413 as an OpenAI error when its body is too large", async () => {
    await openFakeRoom(server.port, (request, self) => answerJson(self, request.id, null));
    await known();
    const body = "x".repeat(MAX_BRIDGED_BODY_BYTES + 1);
    const response = await get("/v1/completions", { method: "POST", headers: JSON_TYPE, body });
    expect(response.status).toBe(413);
    expect(await errorOf(response)).toMatchObject({
      code: "body_too_large",
      type: "invalid_request_error",
    });
  });
});

describe("an answer", () => {
  const answerWith = (messages: (id: string) => PageToServer[]) =>
    openFakeRoom(server.port, (request, self) => {
      for (const message of messages(request.id)) self.send(message);
    });
  const begun = (type: string | null) => (id: string) => [
    {
      type: "response" as const,
      id,
      status: 200,
      headers: type === null ? {} : { "Content-Type": type, "Cache-Control": "max-age=9" },
    },
    { type: "chunk" as const, id, data: "<script>alert(1)</script>" },
    { type: "end" as const, id },
  ];

  test.each([
    ["application/json", "application/json"],
    ["Application/JSON; charset=utf-7", "application/json"],
    ["text/event-stream", "text/event-stream"],
  ])("of %s is relayed, and the browser may not guess another type", async (type, relayed) => {
    await answerWith(begun(type));
    const response = await get("/api/state");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(relayed);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test.each([
    "text/html",
    "text/html; application/json",
    "application/jsonp",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/javascript",
    "application/json, text/html",
    "",
    null,
  ])("of %j gets 502, and the room stops", async (type) => {
    const room = await answerWith(begun(type));
    const response = await get("/api/state");
    expect(response.status).toBe(502);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await errorOf(response)).toMatchObject({ reason: { reason: "invalid_answer" } });
    expect(room.received.at(-1)?.type).toBe("cancel");
  });

  test.each<[string, (id: string) => PageToServer[]]>([
    ["ends before it begins", (id) => [{ type: "end", id }]],
    ["has text before it begins", (id) => [{ type: "chunk", id, data: "{}" }]],
  ])("that %s gets 502", async (_name, messages) => {
    await answerWith(messages);
    expect((await get("/api/state")).status).toBe(502);
  });
});

describe("the room", () => {
  test("gets 503 if no room is open", async () => {
    const response = await get("/v1/models");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await errorOf(response)).toMatchObject({ code: "no_room", type: "server_error" });
  });

  test("is named by query or header when there are several", async () => {
    await openFakeRoom(server.port, (request, self) => answerJson(self, request.id, "first"));
    await openFakeRoom(server.port, (request, self) => answerJson(self, request.id, "second"), {
      room: other,
    });
    await known();
    await known(other);
    const nameless = await get("/api/state");
    expect(nameless.status).toBe(400);
    expect(await errorOf(nameless)).toMatchObject({
      reason: { reason: "room_required", rooms: 2 },
    });
    expect(await (await get(`/api/state?room=${other}`)).json()).toBe("second");
    const named = await get("/api/state", { headers: { "x-tabmesh-room": ROOM.toLowerCase() } });
    expect(await named.json()).toBe("first");
  });

  test("fails requests in flight when its coordinator leaves: as JSON, or as an event in a stream", async () => {
    const room = await openFakeRoom(server.port, (request, self) => {
      if (request.method === "HEAD") answerJson(self, request.id, null);
      if (request.path === "/api/events") beginStream(self, request.id);
    });
    await known();
    const waiting = get("/v1/models");
    const stream = await get("/api/events");
    await until(
      () => room.received.some((message) => "path" in message && message.path === "/v1/models"),
      "the request",
    );
    room.socket.terminate();
    expect((await waiting).status).toBe(503);
    expect(await errorOf(await waiting)).toMatchObject({ code: "coordinator_gone" });
    expect(await stream.text()).toContain('"code":"coordinator_gone"');
    expect(await errorOf(await get("/v1/models"))).toMatchObject({ code: "no_room" });
  });

  test("that leaves after the head of an answer, and before its text, makes it an error like any other", async () => {
    const room = await openFakeRoom(server.port, (request, self) => {
      const headers = { "content-type": "application/json" };
      self.send({ type: "response", id: request.id, status: 200, headers });
      // The server has taken that when it answers this ping.
      self.socket.ping();
      self.socket.once("pong", () => self.socket.terminate());
    });
    const response = await get("/v1/models");
    expect(response.status).toBe(503);
    expect(await errorOf(response)).toMatchObject({ code: "coordinator_gone" });
    expect(await room.closed).toBe(1006);
  });

  test("that leaves in the middle of an answer leaves the client with an error, not with half of it", async () => {
    await openFakeRoom(server.port, (request, self) => {
      const headers = { "content-type": "application/json" };
      self.send({ type: "response", id: request.id, status: 200, headers });
      self.send({ type: "chunk", id: request.id, data: '{"half":' });
      self.socket.ping();
      self.socket.once("pong", () => self.socket.terminate());
    });
    await expect(get("/v1/models").then((response) => response.text())).rejects.toThrow();
  });

  test("belongs to the coordinator with the higher epoch", async () => {
    const first = await openFakeRoom(server.port, (request, self) =>
      answerJson(self, request.id, "epoch 1"),
    );
    await known();
    await openFakeRoom(server.port, (request, self) => answerJson(self, request.id, "epoch 2"), {
      epoch: 2,
    });
    expect(await first.closed).toBe(1008);
    expect(await (await get("/api/state")).json()).toBe("epoch 2");
  });
});

describe("the openai client", () => {
  test("streams a chat answer", async () => {
    await openFakeRoom(server.port, (request, self) => {
      if (request.method === "HEAD") return answerJson(self, request.id, null);
      beginStream(self, request.id);
      for (const content of ["Par", "is"]) {
        const chunk = {
          id: "c",
          object: "chat.completion.chunk",
          choices: [{ delta: { content } }],
        };
        self.send({ type: "chunk", id: request.id, data: `data: ${JSON.stringify(chunk)}\n\n` });
      }
      self.send({ type: "chunk", id: request.id, data: "data: [DONE]\n\n" });
      self.send({ type: "end", id: request.id });
    });
    await known();
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none" });
    const messages = [{ role: "user" as const, content: "The capital of France?" }];
    let text = "";
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("Paris");
  });

  test("throws the server's error with its code and reason", async () => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
    await expect(client.models.list()).rejects.toMatchObject({
      status: 503,
      code: "no_room",
      error: { reason: { reason: "no_room" } },
    });
  });
});
