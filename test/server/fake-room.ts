/** A coordinator from the server's point of view: a real WebSocket with scripted responses. */
import { WebSocket } from "ws";
import { ServerToPage, type BridgeRequest, type PageToServer } from "../../src/shared/bridge.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";

export type FakeRoom = {
  readonly socket: WebSocket;
  /** Every message of the server, in order. */
  readonly received: ServerToPage[];
  send(message: PageToServer): void;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
};

export const ROOM = RoomCode.parse("ABCDEF");

/** Opens `/bridge` as the coordinator of `room`; `answer` is called for each request. */
export async function openFakeRoom(
  port: number,
  answer: (request: BridgeRequest, room: FakeRoom) => void,
  { room = ROOM, epoch = 1 } = {},
): Promise<FakeRoom> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/bridge?room=${room}`);
  const received: ServerToPage[] = [];
  const fake: FakeRoom = {
    socket,
    received,
    send: (message) => socket.send(JSON.stringify(message)),
    closed: new Promise((resolve) => socket.once("close", resolve)),
  };
  socket.on("message", (data) => {
    const message = ServerToPage.parse(JSON.parse((data as Buffer).toString("utf8")));
    received.push(message);
    if (message.type === "request") answer(message, fake);
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  fake.send({ type: "hello", version: 1, room, member: MemberId.parse("tab-1"), epoch });
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
