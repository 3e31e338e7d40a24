/** Signaling as an attacker sees it: guessing codes, holding names, and flooding. */
import { once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Limits } from "../../server/limits.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";

let server: TestServer;
afterEach(async () => {
  vi.useRealTimers();
  await server.close();
});

type Message = { type: string; payload?: { msg: string }; src?: string };

/** A client that has sent its name; `next` is the server's next message, null if it closes. */
function client(id: string, options = {}) {
  const query = new URLSearchParams({ key: "peerjs", id, token: `token-${id}`.slice(0, 64) });
  const socket = new WebSocket(
    `ws://127.0.0.1:${server.port}/peerjs/peerjs?${query.toString()}`,
    options,
  );
  const received: (Message | null)[] = [];
  let wake = () => undefined as void;
  const take = (message: Message | null) => {
    received.push(message);
    wake();
  };
  socket.on("message", (data) => take(JSON.parse((data as Buffer).toString()) as Message));
  socket.on("close", () => take(null));
  const next = async (): Promise<Message | null> => {
    while (received.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return received.shift()!;
  };
  const send = (message: object) => socket.send(JSON.stringify(message));
  return { socket, next, send };
}

const offer = (dst: string) => ({ type: "OFFER", dst, payload: { sdp: "…" } });
const open = async (limits: Partial<Limits> = {}) => {
  server = await openTestServer({ limits });
};
/** The codes "AAAAAA", "AAAAAB", … */
const code = (index: number) => `AAAAA${String.fromCharCode(65 + index)}`;
const LIMITED = { reason: "rate_limited", retryAfterS: 100 };

test("guesses of room codes are limited for an address, over all its sockets", async () => {
  await open({ guesses: { perSecond: 0.01, burst: 6 } });
  const [first, second] = [client("first"), client("second")];
  for (const one of [first, second]) expect(await one.next()).toEqual({ type: "OPEN" });
  for (let index = 0; index < 3; index += 1) {
    first.send(offer(`tabmesh-${code(index)}`));
    // Further messages to the same name are no further guesses.
    first.send({ type: "CANDIDATE", dst: `tabmesh-${code(index)}`, payload: {} });
    second.send({ type: "CANDIDATE", dst: `tabmesh-${code(10 + index)}`, payload: {} });
  }
  // A round trip, after which the server has taken all of them.
  first.send(offer("second"));
  expect(await second.next()).toMatchObject({ type: "OFFER", src: "first" });
  second.send(offer("first"));
  expect(await first.next()).toMatchObject({ type: "OFFER", src: "second" });
  for (const one of [first, second]) {
    one.send(offer("tabmesh-ZZZZZZ"));
    const { type, payload } = (await one.next())!;
    expect(type).toBe("ERROR");
    expect(JSON.parse(payload!.msg)).toEqual(LIMITED);
    expect(await one.next()).toBeNull();
  }
});

test("claiming a room's name, which tells whether it is taken, is a guess", async () => {
  await open({ guesses: { perSecond: 0.01, burst: 2 } });
  expect(await client("tabmesh-AAAAAA").next()).toEqual({ type: "OPEN" });
  expect(await client("tabmesh-BBBBBB").next()).toEqual({ type: "OPEN" });
  const { payload } = (await client("tabmesh-CCCCCC").next())!;
  expect(JSON.parse(payload!.msg)).toEqual(LIMITED);
  // A tab's own name is none.
  expect(await client("tab-1").next()).toEqual({ type: "OPEN" });
});

test("members that look up and claim their own room repeatedly are not guessing", async () => {
  await open({ guesses: { perSecond: 0.01, burst: 1 } });
  for (let count = 0; count < 5; count += 1) {
    const member = client(`member-${count}`);
    expect(await member.next()).toEqual({ type: "OPEN" });
    member.send(offer("tabmesh-ABCDEF"));
    const claim = client("tabmesh-ABCDEF");
    // The server may not know yet that the claim before this one has ended.
    expect(["OPEN", "ID-TAKEN"]).toContain((await claim.next())?.type);
    claim.socket.terminate();
  }
});

test("one socket looks up few rooms, whatever its address may", async () => {
  await open({ guesses: { perSecond: 1, burst: 1e6 } });
  const one = client("one");
  expect(await one.next()).toEqual({ type: "OPEN" });
  for (let index = 0; index < 17; index += 1) one.send(offer(`tabmesh-${code(index)}`));
  expect(await one.next()).toBeNull();
});

test("messages to names that nobody has are not kept without limit", async () => {
  await open({ strays: { perSecond: 0.01, burst: 3 } });
  const one = client("one");
  expect(await one.next()).toEqual({ type: "OPEN" });
  for (const dst of ["a", "b", "c", "d"]) one.send(offer(dst));
  expect(await one.next()).toEqual({ type: "EXPIRE", src: "d" });
});

test("a client that does not read what others send it is disconnected", async () => {
  await open({ unreadBytes: 100_000, signalingMessageBytes: 64_000 });
  const [sender, sleeper] = [client("sender"), client("sleeper")];
  for (const one of [sender, sleeper]) expect(await one.next()).toEqual({ type: "OPEN" });
  sleeper.socket.pause();
  const closed = once(sender.socket, "message"); // the server says that the other one is gone
  // The first megabytes wait in the sockets of both ends.
  const large = { ...offer("sleeper"), payload: { sdp: "x".repeat(60_000) } };
  for (let sent = 0; sent < 1000; sent += 1) sender.send(large);
  const [data] = (await closed) as [Buffer];
  expect(JSON.parse(data.toString())).toMatchObject({ src: "sleeper" });
});

test.each(["", "a b", "../x", "é", "-a", "a".repeat(65)])("the name %j is refused", async (id) => {
  await open();
  expect(await client(id).next()).toBeNull();
});

test.each(["nonsense", "null", "[]", '{"type":"EXPIRE","dst":"x"}', '{"type":"OFFER","dst":7}'])(
  "a socket that sends %s is closed",
  async (text) => {
    await open();
    const one = client("one");
    expect(await one.next()).toEqual({ type: "OPEN" });
    one.socket.send(text);
    expect(await one.next()).toBeNull();
  },
);

test("the name of a silent client is free within 15 s; one that only answers pings keeps its own", async () => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "setInterval", "clearTimeout", "clearInterval", "Date"],
  });
  await open();
  const silent = client("silent", { autoPong: false });
  const hidden = client("hidden");
  expect(await silent.next()).toEqual({ type: "OPEN" });
  expect(await hidden.next()).toEqual({ type: "OPEN" });
  for (let passedMs = 0; passedMs < 15_000; passedMs += 1000) {
    vi.advanceTimersByTime(1000);
    // A round trip: what the server sent has been answered.
    hidden.socket.ping();
    await once(hidden.socket, "pong");
  }
  const other = (id: string) =>
    new WebSocket(`ws://127.0.0.1:${server.port}/peerjs/peerjs?key=peerjs&id=${id}&token=other`);
  const answer = async (socket: WebSocket) => {
    const [data] = (await once(socket, "message")) as [Buffer];
    return (JSON.parse(data.toString()) as Message).type;
  };
  expect(await answer(other("silent"))).toBe("OPEN");
  expect(await answer(other("hidden"))).toBe("ID-TAKEN");
});
