/** Strangers at `/bridge`: without the room's secret they get neither requests nor the room. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { BRIDGE_VERSION, ServerToPage } from "../../src/shared/bridge.ts";
import {
  type BridgeNonce,
  createRoomSecret,
  signBridgeClaim,
} from "../../src/shared/room-secret.ts";
import { RoomCode } from "../../src/shared/ids.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";
import { answerJson, type FakeRoom, openFakeRoom, MEMBER, ROOM, SECRET } from "./fake-room.ts";

let server: TestServer;
let owner: FakeRoom;
beforeEach(async () => {
  server = await openTestServer();
  owner = await openFakeRoom(server.port, (request, room) => answerJson(room, request.id, "true"), {
    epoch: 5,
  });
});
afterEach(() => server.close());

const answer = async (): Promise<unknown> =>
  (await fetch(`${server.url}/api/state?room=${ROOM}`)).json();

/** The room is as it was: its coordinator still answers. */
async function expectHeld() {
  expect(await answer()).toBe("true");
  expect(owner.socket.readyState).toBe(WebSocket.OPEN);
}

test.each([1, 5, 6, Number.MAX_SAFE_INTEGER])(
  "a stranger with the room's code and epoch %i gets nothing",
  async (epoch) => {
    const stranger = await openFakeRoom(
      server.port,
      (request, room) => answerJson(room, request.id, "forged"),
      { epoch, secret: createRoomSecret() },
    );
    expect(await stranger.claimed).toEqual({ reason: "wrong_key", room: ROOM });
    expect(await stranger.closed).toBe(1008);
    await expectHeld();
    expect(stranger.received).toEqual([]);
  },
);

test("one address opens few new rooms at once, and its own rooms reconnect", async () => {
  const limited = await openTestServer({ limits: { guesses: { perSecond: 0.1, burst: 2 } } });
  const claim = async (code: string) => {
    const options = { room: RoomCode.parse(code) };
    return (await openFakeRoom(limited.port, () => undefined, options)).claimed;
  };
  for (const code of ["AAAAAA", "AAAAAA", "AAAAAA", "BBBBBB"]) expect(await claim(code)).toBeNull();
  expect(await claim("CCCCCC")).toEqual({ reason: "rate_limited", retryAfterS: 10 });
  await limited.close();
});

test("a member cannot lock the room out with an epoch far ahead", async () => {
  const far = await openFakeRoom(server.port, () => undefined, { epoch: Number.MAX_SAFE_INTEGER });
  expect(await far.claimed).toMatchObject({
    reason: "epoch_too_high",
    highest: 6,
  });
  await expectHeld();
  const next = await openFakeRoom(
    server.port,
    (request, room) => answerJson(room, request.id, "next"),
    { epoch: 6 },
  );
  expect(await next.claimed).toBeNull();
  expect(await owner.closed).toBe(1008);
  expect(await answer()).toBe("next");
  const late = await openFakeRoom(server.port, () => undefined, { epoch: 5 });
  expect(await late.claimed).toEqual({
    reason: "epoch_passed",
    room: ROOM,
    epoch: 5,
    last: 6,
    by: MEMBER,
    held: true,
  });
});

test("a claim that was recorded on another socket is refused", async () => {
  const recorded = JSON.stringify(claimOn((await openRaw()).challenge));
  const { socket } = await openRaw();
  expect(await outcome(socket, recorded)).toEqual({
    refusal: { reason: "invalid_signature", room: ROOM },
    code: 1008,
  });
  await expectHeld();
});

test("each socket has a challenge of its own", async () => {
  const challenges = await Promise.all(Array.from({ length: 5 }, openRaw));
  expect(new Set(challenges.map(({ challenge }) => challenge.nonce)).size).toBe(5);
});

describe("a socket that begins with", () => {
  test.each([
    ["text that is not JSON", "hello?", { reason: "invalid_message" }, 1008],
    ["another message", '{"type":"end","id":"1"}', { reason: "invalid_message" }, 1008],
    [
      "a claim without a signature",
      '{"type":"claim","version":3,"room":"ABCDEF","epoch":6}',
      { reason: "invalid_message" },
      1008,
    ],
    [
      "the first version's hello",
      '{"type":"hello","version":1,"room":"ABCDEF","member":"a","epoch":1}',
      { reason: "version_mismatch", server: BRIDGE_VERSION, page: 1 },
      1008,
    ],
    [
      "a later version's claim with other fields",
      '{"type":"claim","version":99,"space":"ABCDEF"}',
      { reason: "version_mismatch", server: BRIDGE_VERSION, page: 99 },
      1008,
    ],
  ])("%s gets a named reason at once", async (_name, text, refusal, code) => {
    const { socket } = await openRaw();
    expect(await outcome(socket, text)).toEqual({ refusal, code });
    await expectHeld();
  });
});

/** A socket that has its challenge and has not claimed. */
async function openRaw() {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/bridge`);
  const message = await nextMessage(socket);
  if (message.type !== "challenge") throw new Error(`expected a challenge, not ${message.type}`);
  return { socket, challenge: message };
}

async function nextMessage(socket: WebSocket): Promise<ServerToPage> {
  const [data] = (await once(socket, "message")) as [Buffer];
  return ServerToPage.parse(JSON.parse(data.toString()));
}

/** The owner's claim in answer to a challenge. */
function claimOn({ nonce }: { readonly nonce: BridgeNonce }) {
  const claim = { room: ROOM, epoch: 6, member: MEMBER };
  const signed = signBridgeClaim(SECRET, { ...claim, nonce });
  return { type: "claim", version: BRIDGE_VERSION, ...claim, ...signed };
}

/** Sends `text`; what the server answers, and the code with which it closes. */
async function outcome(socket: WebSocket, text: string) {
  const closed = once(socket, "close") as Promise<[number]>;
  const next = nextMessage(socket);
  socket.send(text);
  const message = await next;
  const refusal = message.type === "refused" ? message.refusal : null;
  return { refusal, code: (await closed)[0] };
}
