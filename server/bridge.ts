/**
 * The rooms' coordinators, each on one WebSocket. Of a room the server keeps only
 * its coordinator's socket: when that closes, the server no longer knows the room.
 */
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { PageToServer, type ServerToPage, type RoomCode } from "../src/shared/index.ts";
import { BridgeRequests } from "./bridge-requests.ts";

/** A tab that disappears without closing its socket is detected after two of these. */
const PING_INTERVAL_MS = 10_000;

/** A socket that sends nothing is closed after this. */
const HELLO_TIMEOUT_MS = 10_000;

/** A chunk has a few hundred bytes, a room's state some kilobytes, an event log some megabytes. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Close codes for pages; 4000 to 4999 are reserved for applications. */
export const CLOSE_CODES = { badMessage: 4400, replaced: 4409 } as const;

type Coordinator = {
  readonly socket: WebSocket;
  readonly epoch: number;
  readonly requests: BridgeRequests;
};

export class Bridge {
  readonly socketServer = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  readonly #coordinators = new Map<RoomCode, Coordinator>();
  readonly #answering = new WeakSet<WebSocket>();
  readonly #pings: NodeJS.Timeout;

  constructor() {
    this.socketServer.on("connection", (socket) => this.#greet(socket));
    this.#pings = setInterval(() => this.#ping(), PING_INTERVAL_MS).unref();
  }

  rooms(): readonly RoomCode[] {
    return [...this.#coordinators.keys()];
  }

  /** The requests of a room's coordinator; undefined if it has just disconnected. */
  requestsOf(room: RoomCode): BridgeRequests | undefined {
    return this.#coordinators.get(room)?.requests;
  }

  close(): void {
    clearInterval(this.#pings);
    for (const socket of this.socketServer.clients) socket.terminate();
    this.socketServer.close();
  }

  /** Waits for the hello that names the socket's room. */
  #greet(socket: WebSocket): void {
    const timeout = setTimeout(
      () => socket.close(CLOSE_CODES.badMessage, "no hello came"),
      HELLO_TIMEOUT_MS,
    ).unref();
    this.#answering.add(socket);
    socket.on("pong", () => this.#answering.add(socket));
    // A broken socket closes right after this event.
    socket.on("error", (error) => console.error(`bridge: ${error.message}`));
    socket.once("message", (data) => {
      clearTimeout(timeout);
      const hello = parse(data);
      if (hello?.type !== "hello") refuse(socket, hello === null ? data : "a hello comes first");
      else this.#admit(socket, hello.room, hello.epoch);
    });
  }

  #admit(socket: WebSocket, room: RoomCode, epoch: number): void {
    const older = this.#coordinators.get(room);
    if (older !== undefined && older.epoch > epoch) {
      socket.close(CLOSE_CODES.replaced, `epoch ${older.epoch} has begun`);
      return;
    }
    const requests = new BridgeRequests((message) => send(socket, message));
    const coordinator = { socket, epoch, requests };
    this.#coordinators.set(room, coordinator);
    older?.socket.close(CLOSE_CODES.replaced, `epoch ${epoch} has begun`);
    older?.requests.failAll({ reason: "coordinator_gone" });
    socket.on("message", (data) => {
      const message = parse(data);
      if (message === null || message.type === "hello") refuse(socket, data);
      else requests.take(message);
    });
    socket.on("close", () => {
      if (this.#coordinators.get(room) === coordinator) this.#coordinators.delete(room);
      requests.failAll({ reason: "coordinator_gone" });
    });
  }

  #ping(): void {
    for (const socket of this.socketServer.clients) {
      if (!this.#answering.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }
}

function send(socket: WebSocket, message: ServerToPage): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}

/** Null if `data` is not a message of the bridge. */
function parse(data: RawData): PageToServer | null {
  try {
    const parsed = PageToServer.safeParse(JSON.parse(text(data)));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Closes with the reason, shortened to fit a close frame (123 bytes). */
function refuse(socket: WebSocket, reason: RawData | "a hello comes first"): void {
  const words =
    typeof reason === "string"
      ? reason
      : `not a bridge message: ${text(reason)
          .replace(/[^\x20-\x7e]/g, "?")
          .slice(0, 80)}`;
  socket.close(CLOSE_CODES.badMessage, words);
}

function text(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.from(data as ArrayBuffer).toString("utf8");
}
