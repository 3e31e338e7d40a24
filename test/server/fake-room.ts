/** A coordinator from the server's point of view: a real WebSocket with scripted responses. */
import { WebSocket } from "ws";
import {
  BRIDGE_VERSION,
  ServerToPage,
  type BridgeRequest,
  type PageToServer,
  type BridgeRefusal,
} from "../../src/shared/bridge.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import { RoomSecret, signBridgeClaim } from "../../src/shared/room-secret.ts";

export type FakeRoom = {
  readonly socket: WebSocket;
  /** The server's messages about requests, in order. */
  readonly received: Extract<ServerToPage, { type: "request" | "cancel" | "pause" | "resume" }>[];
  /** The server's answer to the claim: null if it was accepted. */
  readonly claimed: Promise<BridgeRefusal | null>;
  send(message: PageToServer): void;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
};

export const ROOM = RoomCode.parse("ABCDEF");

export const MEMBER = MemberId.parse("m");

export const SECRET = RoomSecret.parse("S".repeat(42) + "A");

/** Opens `/bridge` as the coordinator of `room`; `answer` is called for each request. */
export async function openFakeRoom(
  port: number,
  answer: (request: BridgeRequest, room: FakeRoom) => void,
  { room = ROOM, epoch = 1, secret = SECRET, member = MEMBER } = {},
): Promise<FakeRoom> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/bridge`);
  const received: FakeRoom["received"] = [];
  let settle!: (refusal: BridgeRefusal | null) => void;
  const fake: FakeRoom = {
    socket,
    received,
    send: (message) => socket.send(JSON.stringify(message)),
    claimed: new Promise((resolve) => (settle = resolve)),
    closed: new Promise((resolve) => socket.once("close", resolve)),
  };
  socket.on("message", (data) => {
    const message = ServerToPage.parse(JSON.parse((data as Buffer).toString("utf8")));
    switch (message.type) {
      case "challenge": {
        const signed = signBridgeClaim(secret, { room, epoch, member, nonce: message.nonce });
        return fake.send({
          type: "claim",
          version: BRIDGE_VERSION,
          room,
          epoch,
          member,
          ...signed,
        });
      }
      case "accepted":
        return settle(null);
      case "refused":
        return settle(message.refusal);
      case "request":
        received.push(message);
        return answer(message, fake);
      default:
        received.push(message);
    }
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  await fake.claimed;
  return fake;
}

/** Answers with one JSON body. */
export function answerJson(room: FakeRoom, id: string, body: unknown, status = 200): void {
  room.send({ type: "response", id, status, headers: { "content-type": "application/json" } });
  room.send({ type: "chunk", id, data: JSON.stringify(body) });
  room.send({ type: "end", id });
}

/** Starts a stream of server-sent events. */
export function beginStream(room: FakeRoom, id: string): void {
  room.send({
    type: "response",
    id,
    status: 200,
    headers: { "content-type": "text/event-stream" },
  });
}

/** Waits until `condition` holds; fails the test after two seconds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = Date.now() + 2000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited two seconds for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
