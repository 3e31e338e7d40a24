/** What a real server grants at most. The limits of each test are small, so that it need not wait. */
import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { LIMITS, type Limits } from "../../server/limits.ts";
import { paceMessages } from "../../server/pace-messages.ts";
import { RateLimit } from "../../server/rate-limit.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";
import { answerJson, beginStream, openFakeRoom, ROOM, until } from "./fake-room.ts";

let server: TestServer;
const sockets: Socket[] = [];
const open = async (limits: Partial<Limits>, lan = false) => {
  server = await openTestServer({ limits, lan });
};
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

/** A connection that sends `text` and then nothing. */
async function connection(text: string): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  await once(socket, "connect");
  if (text !== "") socket.write(text);
  return socket;
}

/** What the server sends before it closes the connection. */
async function answerTo(text: string): Promise<string> {
  const socket = await connection(text);
  let answer = "";
  socket.on("data", (data) => (answer += data.toString("latin1"))).on("error", () => undefined);
  await once(socket, "close");
  return answer;
}

const HEAD =
  "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

describe("a connection is closed when", () => {
  const short = { checkMs: 10, firstByteMs: 50, headersMs: 50, requestMs: 100 };

  test.each([
    ["it sends nothing", "", /^$/],
    ["its headers do not end", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A:", /^HTTP\/1.1 408 /],
    ["its body does not end", `${HEAD}Content-Length: 9\r\n\r\n{`, /^HTTP\/1.1 4\d\d /],
    [
      "its chunks do not end",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
      /^HTTP\/1.1 4/,
    ],
  ])("%s", async (_name, text, expected) => {
    await open(short);
    await openFakeRoom(server.port, () => undefined);
    expect(await answerTo(text)).toMatch(expected);
  });

  test("its headers do not end, over TLS", async () => {
    await open(short, true);
    const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
    sockets.push(socket);
    let answer = "";
    socket.on("data", (data: Buffer) => (answer += data.toString("latin1")));
    socket.on("error", () => undefined).write("GET / HTTP/1.1\r\nHost: localhost\r\nX-A:");
    await once(socket, "close");
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  test("its TLS handshake does not end", async () => {
    await open(short, true);
    // The first bytes of a record that holds a handshake.
    expect(await answerTo("\x16\x03\x01\x02\x00")).not.toContain("HTTP");
  });
});

test("a response may take longer than a request", async () => {
  await open({ checkMs: 10, headersMs: 20, requestMs: 30 });
  const room = await openFakeRoom(server.port, (request, self) => beginStream(self, request.id));
  const response = await fetch(`${server.url}/api/events`);
  const { id } = room.received[0]!;
  // In the meantime, another connection ends because its time is over.
  await answerTo("GET / HTTP/1.1\r\n");
  room.send({ type: "chunk", id, data: "data: late\n\n" });
  room.send({ type: "end", id });
  expect(await response.text()).toBe("data: late\n\n");
});

test("of more connections from one address than allowed, the last ones get 429", async () => {
  await open({ connectionsPerAddress: 3 });
  const held = [await connection(""), await connection(""), await connection("")];
  const answer = await answerTo("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1.1 429 /);
  expect(answer).toContain("Retry-After: 1");
  held[0]!.destroy();
  await until(async () => {
    const served = await answerTo("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return served.startsWith("HTTP/1.1 200 ");
  }, "a connection to become free");
});

test("of more requests from one address than allowed, the last ones get 429", async () => {
  await open({ requests: { perSecond: 0.25, burst: 3 } });
  const get = () => fetch(`${server.url}/server.json`);
  expect([(await get()).status, (await get()).status, (await get()).status]).toEqual([
    200, 200, 200,
  ]);
  const response = await get();
  expect(response.status).toBe(429);
  expect(response.headers.get("retry-after")).toBe("4");
  expect(await response.json()).toMatchObject({
    error: { code: "rate_limited", reason: { reason: "rate_limited", retryAfterS: 4 } },
  });
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/bridge`);
  const [error] = (await once(socket, "error")) as [Error];
  expect(error.message).toContain("429");
});

test("of more requests to one room than allowed, the last ones get 429", async () => {
  await open({ requestsPerRoom: 2 });
  const room = await openFakeRoom(server.port, (request, self) => {
    if (request.path === "/api/events") beginStream(self, request.id);
    else answerJson(self, request.id, "fine");
  });
  const streams = await Promise.all([1, 2].map(() => fetch(`${server.url}/api/events`)));
  const refused = await fetch(`${server.url}/api/state`);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toMatchObject({
    error: { reason: { reason: "room_busy", room: ROOM, maxRequests: 2, retryAfterS: 1 } },
  });
  room.send({ type: "end", id: room.received[0]!.id });
  await streams[0]!.text();
  expect((await fetch(`${server.url}/api/state`)).status).toBe(200);
  await streams[1]!.body!.cancel();
});

test("requests whose bodies are on their way count", async () => {
  await open({ requestsPerRoom: 1 });
  await openFakeRoom(server.port, (request, self) => answerJson(self, request.id, "fine"));
  const slow = await connection(`${HEAD}Content-Length: 2\r\n\r\n{`);
  await until(async () => (await fetch(`${server.url}/api/state`)).status === 429, "the slot");
  slow.write("}");
  await once(slow, "data");
  expect((await fetch(`${server.url}/api/state`)).status).toBe(200);
});

test("a room whose tab does not read its requests gets no more of them", async () => {
  await open({ unreadBytes: 100_000 });
  const room = await openFakeRoom(server.port, (request, self) =>
    answerJson(self, request.id, "fine"),
  );
  room.socket.pause();
  const body = JSON.stringify("x".repeat(1_000_000));
  const headers = { "content-type": "application/json" };
  const post = () => fetch(`${server.url}/v1/completions`, { method: "POST", headers, body });
  // The first ones fill what the system keeps for the socket.
  const waiting: Promise<Response>[] = [];
  const refused = new Promise<Response>((resolve) => {
    const send = () => {
      const response = post();
      waiting.push(response);
      response.then((one) => (one.status === 429 ? resolve(one) : undefined), resolve);
      if (waiting.length < 40) setImmediate(send);
    };
    send();
  });
  expect(await (await refused).json()).toMatchObject({
    error: { reason: { reason: "room_busy", room: ROOM } },
  });
  room.socket.resume();
  await Promise.all(waiting);
  // The last of them may still be on its way through the socket.
  await until(async () => (await fetch(`${server.url}/api/state`)).status === 200, "the tab");
});

test("bodies in memory are limited together", async () => {
  await open({ bodiesBytes: 100 });
  await openFakeRoom(server.port, (request, self) => answerJson(self, request.id, "fine"));
  const held = await connection(`${HEAD}Content-Length: 90\r\n\r\n{${" ".repeat(80)}`);
  const post = () =>
    answerTo(`${HEAD}Connection: close\r\nContent-Length: 40\r\n\r\n{${" ".repeat(38)}}`);
  let answer = "";
  await until(async () => (answer = await post()).startsWith("HTTP/1.1 429 "), "the limit");
  expect(answer).toContain("retry-after: 1");
  held.destroy();
  await until(async () => (await post()).startsWith("HTTP/1.1 200 "), "the body to be dropped");
});

test("the limits are those that SECURITY.md promises", async () => {
  await open({});
  expect(LIMITS).toMatchObject({ headersMs: 10_000, requestMs: 60_000 });
  expect(LIMITS.guesses).toEqual({ perSecond: 0.5, burst: 60 });
});

test("a request whose coordinator leaves while its body arrives gets 503", async () => {
  await open({});
  const room = await openFakeRoom(server.port, (request, self) =>
    answerJson(self, request.id, "fine"),
  );
  const slow = await connection(`${HEAD}Connection: close\r\nContent-Length: 2\r\n\r\n{`);
  expect((await fetch(`${server.url}/api/state`)).status).toBe(200);
  room.socket.terminate();
  await until(async () => (await fetch(`${server.url}/api/state`)).status === 503, "no room");
  slow.write("}");
  const [answer] = (await once(slow, "data")) as [Buffer];
  expect(answer.toString("latin1")).toMatch(/^HTTP\/1.1 503 /);
});

describe("a body", () => {
  const post = (headers: string, body: string) =>
    answerTo(`${HEAD}Connection: close\r\n${headers}\r\n\r\n${body}`);

  test.each([
    ["by its length", "Content-Length: 11", ""],
    ["by its chunks", "Transfer-Encoding: chunked", "b\r\n12345678901\r\n"],
  ])("that is too long %s gets 413 before it has arrived", async (_name, headers, body) => {
    await open({ bodyBytes: 10 });
    await openFakeRoom(server.port, (request, self) => answerJson(self, request.id, "fine"));
    expect(await post(headers, body)).toMatch(/^HTTP\/1.1 413 /);
  });

  test("to no room is not read", async () => {
    await open({});
    expect(await post("Content-Length: 4000000", "")).toMatch(/^HTTP\/1.1 503 /);
  });
});

test("a socket that sends more messages than allowed is read more slowly", () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const limit = new RateLimit({ perSecond: 2, burst: 3 }, () => 0);
  const socket = Object.assign(new EventEmitter(), {
    isPaused: false,
    pause: () => (socket.isPaused = true),
    resume: () => (socket.isPaused = false),
  });
  paceMessages(socket as unknown as WebSocket, limit, "a");
  for (let count = 0; count < 3; count += 1) socket.emit("message");
  expect(socket.isPaused).toBe(false);
  socket.emit("message");
  expect(socket.isPaused).toBe(true);
  vi.advanceTimersByTime(499);
  expect(socket.isPaused).toBe(true);
  vi.advanceTimersByTime(1);
  expect(socket.isPaused).toBe(false);
  vi.useRealTimers();
});
