/**
 * What PeerServer sees of a client's WebSocket. It relays whatever it is sent, and answers
 * whether a name exists; a room's name is its code, which is all that a guesser lacks.
 *
 *   name          letters, digits, - and _, at most 64
 *   room names    claiming one, or the first message to one, counts as a guess of its code
 *   absent names  PeerServer keeps messages to them for 5 s, so that only a few are let through
 */
import { EventEmitter } from "node:events";
import type { RawData, WebSocket } from "ws";
import { z } from "zod";
import { parseJson } from "../src/shared/index.ts";
import type { GuessLimit } from "./guess-limit.ts";
import { rateLimited } from "./rate-limit.ts";
import type { Rates } from "./rates.ts";

/** `src/mesh/room-registry.ts` registers a room's coordinator under this and the room's code. */
const ROOM_PREFIX = "tabmesh-";

/** A tab looks up one room; a socket that looks up many is guessing. */
const MAX_ROOMS_PER_SOCKET = 16;

/** Longer than any of PeerJS's names and tokens. */
const MAX_NAME_CHARACTERS = 64;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/** Only what clients send: the server alone decides that a message expired. */
const Message = z.looseObject({
  type: z.enum(["HEARTBEAT", "OFFER", "ANSWER", "CANDIDATE", "LEAVE"]),
  dst: z.string().max(MAX_NAME_CHARACTERS).optional(),
});

export type GuardOptions = {
  /** The request's target, with the client's name in its query. */
  readonly target: string;
  readonly address: string;
  /** The names of connected clients. */
  readonly names: ReadonlySet<string>;
  readonly rates: Pick<Rates, "guesses" | "strays">;
  /** Of messages that the client has not read. */
  readonly unreadBytes: number;
};

/** The socket for PeerServer; null if the client was refused. */
export function guardSocket(socket: WebSocket, options: GuardOptions): GuardedSocket | null {
  const { target, address, rates } = options;
  socket.on("error", () => socket.terminate());
  const query = new URLSearchParams(target.split("?", 2)[1] ?? "");
  const name = query.get("id") ?? "";
  const token = query.get("token") ?? "";
  if (!isName(name) || token.length > MAX_NAME_CHARACTERS) {
    socket.close(1008, "invalid name");
    return null;
  }
  // The answer "taken" tells that there is a room of this code.
  if (name.startsWith(ROOM_PREFIX) && refuses(socket, rates.guesses, address, name)) return null;
  return new GuardedSocket(socket, options);
}

/** The part of a `WebSocket` that PeerServer uses. */
export class GuardedSocket extends EventEmitter {
  readonly #socket: WebSocket;
  readonly #options: GuardOptions;
  readonly #rooms = new Set<string>();

  constructor(socket: WebSocket, options: GuardOptions) {
    super();
    this.#socket = socket;
    this.#options = options;
    socket.on("message", (data) => this.#take(data));
    socket.on("close", () => this.emit("close"));
    socket.on("pong", () => this.emit("pong"));
  }

  send(text: string): void {
    const { readyState, OPEN, bufferedAmount } = this.#socket;
    if (readyState !== OPEN) return;
    // It gets what others send, and they would fill the server's memory.
    if (bufferedAmount > this.#options.unreadBytes) return this.#socket.terminate();
    this.#socket.send(text);
  }

  close(): void {
    this.#socket.close();
  }

  #take(data: RawData): void {
    const text = (data as Buffer).toString("utf8");
    const message = Message.safeParse(parseJson(text)).data;
    if (message === undefined) return this.#socket.close(1008, "invalid message");
    const { dst } = message;
    if (dst === undefined) return void this.emit("message", text);
    if (dst.startsWith(ROOM_PREFIX) && this.#isRefused(dst)) return;
    const { names, rates, address } = this.#options;
    if (!names.has(dst) && rates.strays.take(address) > 0) {
      return this.send(JSON.stringify({ type: "EXPIRE", src: dst }));
    }
    this.emit("message", text);
  }

  #isRefused(room: string): boolean {
    if (this.#rooms.has(room)) return false;
    const { rates, address } = this.#options;
    if (this.#rooms.size >= MAX_ROOMS_PER_SOCKET) {
      this.#socket.close(1008, "too many rooms");
      return true;
    }
    if (refuses(this.#socket, rates.guesses, address, room)) return true;
    this.#rooms.add(room);
    return false;
  }
}

/** Counts a guess. If there were too many, tells the client so as an error of PeerJS, and closes. */
function refuses(
  socket: WebSocket,
  guesses: GuessLimit,
  address: string,
  roomName: string,
): boolean {
  const waitMs = guesses.take(address, roomName.slice(ROOM_PREFIX.length));
  if (waitMs === 0) return false;
  const msg = JSON.stringify(rateLimited(waitMs));
  socket.send(JSON.stringify({ type: "ERROR", payload: { msg } }));
  socket.close(1008, "rate limited");
  return true;
}

function isName(text: string): boolean {
  return text.length <= MAX_NAME_CHARACTERS && NAME.test(text);
}
