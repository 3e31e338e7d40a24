/** The page's end of the bridge against servers that refuse it or that have another version. */
import { EventEmitter, once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { BridgeClient, type BridgeSocket } from "../../src/api/bridge-client.ts";
import { BRIDGE_VERSION, type ServerToPage, type BridgeRefusal } from "../../src/shared/bridge.ts";
import {
  createBridgeNonce,
  createRoomSecret,
  nextRoomKey,
  type RoomKey,
  type RoomSecret,
} from "../../src/shared/room-secret.ts";
import { openTestServer } from "../../tools/server/test-server.ts";
import { openFakeRoom, until } from "../server/fake-room.ts";
import { type ApiTestRoom, openApiRoom } from "./api-room.ts";

let room: ApiTestRoom;
let sockets: WebSocketServer;
const clients: BridgeClient[] = [];
let opened = 0;
/** Emits "broken" when a client's socket has closed. */
const events = new EventEmitter();

beforeEach(async () => {
  opened = 0;
  room = await openApiRoom([]);
  sockets = new WebSocketServer({ port: 0 });
  await once(sockets, "listening");
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  sockets.close();
  room.room.close();
});

const portOf = () => (sockets.address() as AddressInfo).port;

/** Connects; resolves with the first refusal, or null when the server accepts. */
function connect(port: number, given: RoomSecret | RoomKey): Promise<BridgeRefusal | null> {
  const key = typeof given === "string" ? { secret: given, succession: [] } : given;
  return new Promise((resolve) => {
    const client = new BridgeClient({
      room,
      server: `http://127.0.0.1:${port}`,
      key: () => key,
      open: (url) => {
        opened += 1;
        const socket = new WebSocket(url);
        // A test's server may be gone; the client then tries again.
        socket.on("error", () => undefined);
        return socket as unknown as BridgeSocket;
      },
      onRefused: resolve,
      onConnection: (connected) => {
        if (connected) resolve(null);
        else events.emit("broken");
      },
    });
    clients.push(client);
  });
}

test("the code of a room whose last member left is free at once, that of a lost room is not", async () => {
  const server = await openTestServer();
  const port = Number(new URL(server.url).port);
  expect(await connect(port, createRoomSecret())).toBeNull();
  const lost = clients.at(-1)!;
  lost.close();
  await once(events, "broken");
  expect(await connect(port, createRoomSecret())).toMatchObject({ reason: "wrong_key" });
  await server.close();

  const other = await openTestServer();
  const otherPort = Number(new URL(other.url).port);
  expect(await connect(otherPort, createRoomSecret())).toBeNull();
  clients.at(-1)!.close({ roomEnded: true });
  await once(events, "broken");
  expect(await connect(otherPort, createRoomSecret())).toBeNull();
  await other.close();
});

test("a server of another version is named at once, whatever else its challenge has", async () => {
  const text = JSON.stringify({ type: "challenge", version: 99, puzzle: { bits: 20 } });
  const answered = new Promise<string>((resolve) => {
    sockets.on("connection", (socket) => {
      socket.on("message", (data) => resolve((data as Buffer).toString()));
      socket.send(text);
    });
  });
  const mismatch = { reason: "version_mismatch", server: 99, page: BRIDGE_VERSION };
  expect(await connect(portOf(), createRoomSecret())).toEqual(mismatch);
  // From this the server names the mismatch too.
  expect(JSON.parse(await answered)).toEqual({ type: "version", version: BRIDGE_VERSION });
});

test("a server that finds the page too old is named, and not asked again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const refusal: BridgeRefusal = { reason: "version_mismatch", server: 2, page: BRIDGE_VERSION };
  sockets.on("connection", (socket) => {
    const refused: ServerToPage = { type: "refused", version: BRIDGE_VERSION, refusal };
    socket.send(JSON.stringify(refused), () => socket.close());
  });
  const broken = once(events, "broken");
  expect(await connect(portOf(), createRoomSecret())).toEqual(refusal);
  await broken;
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  expect(opened).toBe(1);
});

test("a room with the same code and another secret is told that the code is in use", async () => {
  const server = await openTestServer();
  expect(await connect(server.port, createRoomSecret())).toBeNull();
  const code = room.client.state.room;
  expect(await connect(server.port, createRoomSecret())).toEqual({
    reason: "wrong_key",
    room: code,
  });
  await server.close();
});

test("two sockets never get the same signature", async () => {
  const signatures: string[] = [];
  const enough = new Promise<void>((resolve) => {
    sockets.on("connection", (socket) => {
      socket.on("message", (data) => {
        signatures.push(
          (JSON.parse((data as Buffer).toString()) as { signature: string }).signature,
        );
        if (signatures.length === 2) resolve();
      });
      const nonce = createBridgeNonce();
      socket.send(JSON.stringify({ type: "challenge", version: BRIDGE_VERSION, nonce }));
    });
  });
  const secret = createRoomSecret();
  void connect(portOf(), secret);
  void connect(portOf(), secret);
  await enough;
  expect(signatures[0]).not.toBe(signatures[1]);
});

test("a room whose elections the server did not notice claims it step by step", async () => {
  const server = await openTestServer();
  const key = { secret: createRoomSecret(), succession: [] };
  expect(await connect(server.port, key)).toBeNull();
  clients.at(-1)!.close();
  await once(events, "broken");
  const { state } = room.client;
  const ahead = { ...state, epoch: state.epoch + 5 };
  vi.spyOn(room.client, "state", "get").mockReturnValue(ahead);
  expect(await connect(server.port, key)).toBeNull();
  const { epoch } = ahead;
  const fake = { room: state.room, secret: key.secret };
  // The socket has reached the room's own epoch: an earlier one is refused.
  await until(async () => {
    const late = await openFakeRoom(server.port, () => undefined, { ...fake, epoch: epoch - 1 });
    return (await late.claimed)?.reason === "epoch_passed";
  }, "the room's epoch to be claimed");
  await server.close();
});

test("the next key is claimed on the same socket, and the earlier one is refused from then on", async () => {
  const server = await openTestServer();
  const key: RoomKey = { secret: createRoomSecret(), succession: [] };
  expect(await connect(server.port, key)).toBeNull();
  const { room: code } = room.client.state;
  await clients.at(-1)!.announce(nextRoomKey(code, key));
  expect(opened).toBe(1);
  expect(await connect(server.port, key)).toEqual({ reason: "wrong_key", room: code });
  const answer = await fetch(`${server.url}/api/state?room=${code}`);
  expect(answer.status).toBe(200);
  await server.close();
});

test("without a server, nothing waits until the next key is accepted", async () => {
  const key: RoomKey = { secret: createRoomSecret(), succession: [] };
  void connect(1, key);
  await clients.at(-1)!.announce(nextRoomKey(room.client.state.room, key));
});
