/**
 * The coordinator's end of the bridge: one WebSocket to the server that carries
 * HTTP requests to the room and responses back. Answers the server's challenge with a
 * claim that is signed with the room's secret, and claims the room again in each later epoch and
 * with each next key. Reconnects until it is closed, except to a server of another version.
 * When the socket breaks, the responses in flight are cancelled.
 *
 * Over 250 lines: the claim, the requests, and the reconnecting share one socket.
 */
import {
  BRIDGE_PATH,
  BRIDGE_VERSION,
  type BridgeNonce,
  type BridgeRefusal,
  type BridgeRequest,
  bridgeVersionOf,
  type PageToServer,
  ROOM_ENDED_CODE,
  type RoomKey,
  ServerToPage,
  signBridgeClaim,
  parseJson,
  parseUntrusted,
} from "../shared/index.ts";
import { type NameOf, nameOfRoom } from "../words/index.ts";
import { BridgeAnswer } from "./bridge-answer.ts";
import type { ApiRoom } from "./http/api-room.ts";
import { apiErrorOf, errorResponse } from "./http/errors.ts";
import { dataEvent } from "./http/event-stream.ts";
import { createRoutes } from "./http/router.ts";

/** The part of a WebSocket that the bridge uses, so that a test can pass another implementation. */
export type BridgeSocket = Pick<
  WebSocket,
  "send" | "close" | "readyState" | "bufferedAmount" | "onopen" | "onmessage" | "onclose"
>;

export type BridgeClientOptions = {
  readonly room: ApiRoom;
  /** The server's address: "http://localhost:8787". */
  readonly server: string;
  readonly open?: (url: string) => BridgeSocket;
  /** Called for each claim. */
  readonly key: () => RoomKey;
  /** Whether the server relays requests to this tab. */
  readonly onConnection?: (connected: boolean) => void;
  /** Called once for refusals of the same reason in succession. */
  readonly onRefused?: (refusal: BridgeRefusal) => void;
};

/** The delay before the first attempt to reconnect. It doubles up to the maximum. */
const RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** Above this the bridge waits for the server to read. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
/** A WebSocket has no event for a drained buffer. */
const DRAIN_POLL_MS = 20;
const WEB_SOCKET_OPEN = 1;
/** For the server to accept the room's next key; then the room uses it all the same. */
const ANNOUNCE_TIMEOUT_MS = 2000;

export class BridgeClient {
  readonly #options: BridgeClientOptions;
  readonly #routes: ReturnType<typeof createRoutes>;
  readonly #inFlight = new Map<string, BridgeAnswer>();
  #socket: BridgeSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #retryMs = RETRY_MS;
  #closed = false;
  #refusedFor: BridgeRefusal["reason"] | null = null;
  /** Of the open socket. */
  #nonce: BridgeNonce | null = null;
  /** The epoch of the last claim; the server accepts none above the other. */
  #claimedEpoch = 0;
  #highestEpoch = Infinity;
  /** The room's next key, which the room does not use yet. */
  #announced: RoomKey | null = null;
  /** Claims that the server has not answered. */
  #unanswered = 0;
  #onAnswered: () => void = () => undefined;
  #isAccepted = false;

  constructor(options: BridgeClientOptions) {
    this.#options = options;
    this.#routes = createRoutes(options.room);
    this.#connect();
  }

  /** `roomEnded`: nobody is in the room any more, and the server may forget its key. */
  close({ roomEnded = false } = {}): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#socket?.close(roomEnded ? ROOM_ENDED_CODE : undefined);
    this.#cancelAll();
  }

  /** After a change of the room: its epoch may have risen. */
  update(): void {
    if (this.#nonce !== null && this.#nextEpoch() > this.#claimedEpoch) this.#claim(this.#nonce);
  }

  /** Claims the room with its next key. Resolves once the server has answered, or if it does not. */
  async announce(key: RoomKey): Promise<void> {
    this.#announced = key;
    const nonce = this.#nonce;
    if (nonce === null) return;
    await new Promise<void>((resolve) => {
      const timeout = setTimeout(resolve, ANNOUNCE_TIMEOUT_MS);
      this.#onAnswered = () => {
        clearTimeout(timeout);
        resolve();
      };
      this.#claim(nonce);
    });
  }

  #connect(): void {
    const { server, open } = this.#options;
    const url = new URL(BRIDGE_PATH, server);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = open ? open(url.href) : new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.#broken();
  }

  #broken(): void {
    this.#nonce = null;
    this.#unanswered = 0;
    this.#isAccepted = false;
    this.#onAnswered();
    this.#cancelAll();
    this.#options.onConnection?.(false);
    if (this.#closed) return;
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  #receive(data: unknown): void {
    const message = typeof data === "string" ? parseJson(data) : undefined;
    // The version first: a message of another version may have other fields.
    const server = bridgeVersionOf(message);
    if (server !== null && server !== BRIDGE_VERSION) return this.#endForVersion(server);
    const parsed = parseUntrusted(ServerToPage, message);
    // Not a message of our server, so there is no id to answer.
    if (parsed.success) this.#take(parsed.data);
  }

  #take(message: ServerToPage): void {
    switch (message.type) {
      case "challenge":
        return this.#claim(message.nonce);
      case "accepted":
        return this.#accepted();
      case "refused":
        return this.#refused(message.refusal);
      case "cancel":
        return this.#inFlight.get(message.id)?.cancel();
      case "pause":
        return this.#inFlight.get(message.id)?.pause();
      case "resume":
        return this.#inFlight.get(message.id)?.resume();
      case "request":
        return void this.#answer(message);
      default:
        message satisfies never;
    }
  }

  #claim(nonce: BridgeNonce): void {
    const { self: member, state } = this.#options.room.client;
    const { room } = state;
    const epoch = this.#nextEpoch();
    const { secret, succession } = this.#announced ?? this.#options.key();
    const signed = signBridgeClaim(secret, { room, epoch, member, nonce }, succession);
    this.#nonce = nonce;
    this.#claimedEpoch = epoch;
    this.#unanswered += 1;
    this.#send({ type: "claim", version: BRIDGE_VERSION, room, epoch, member, ...signed });
  }

  #nextEpoch(): number {
    return Math.min(this.#options.room.client.state.epoch, this.#highestEpoch);
  }

  #accepted(): void {
    this.#retryMs = RETRY_MS;
    this.#refusedFor = null;
    this.#unanswered -= 1;
    if (this.#unanswered > 0) return;
    this.#highestEpoch = this.#claimedEpoch + 1;
    this.#onAnswered();
    this.update();
    if (this.#isAccepted) return;
    this.#isAccepted = true;
    this.#options.onConnection?.(true);
  }

  /** Tells the server this tab's version, and does not try again: only a reload changes it. */
  #endForVersion(server: number): void {
    this.#refused({ reason: "version_mismatch", server, page: BRIDGE_VERSION });
    this.#socket?.send(JSON.stringify({ type: "version", version: BRIDGE_VERSION }));
    this.close();
  }

  #refused(refusal: BridgeRefusal): void {
    if (refusal.reason === "version_mismatch") this.#closed = true;
    const { client } = this.#options.room;
    if (refusal.reason === "replaced") client.outranked(refusal.epoch, refusal.by, true);
    if (refusal.reason === "epoch_passed") {
      client.outranked(refusal.last, refusal.by, refusal.held);
    }
    // After elections that the server did not notice, it is claimed step by step.
    this.#highestEpoch = refusal.reason === "epoch_too_high" ? refusal.highest : Infinity;
    if (refusal.reason === "epoch_too_high") return;
    if (refusal.reason === this.#refusedFor) return;
    this.#refusedFor = refusal.reason;
    this.#options.onRefused?.(refusal);
  }

  async #answer(request: BridgeRequest): Promise<void> {
    const { id } = request;
    const answer = new BridgeAnswer();
    this.#inFlight.set(id, answer);
    const response = await this.#respond(request, answer.signal);
    if (answer.signal.aborted) await response.body?.cancel();
    else await this.#relay(id, response, answer);
    this.#inFlight.delete(id);
    if (!answer.signal.aborted) this.#send({ type: "end", id });
  }

  /** Never rejects. */
  async #respond(request: BridgeRequest, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#routes.fetch(fetchRequest(request, signal));
    } catch (error) {
      // A method that the Fetch API forbids.
      return errorResponse(error, this.#nameOf());
    }
  }

  async #relay(id: string, { status, headers, body }: Response, answer: BridgeAnswer) {
    this.#send({ type: "response", id, status, headers: Object.fromEntries(headers) });
    if (!body) return;
    try {
      for await (const data of answer.chunks(body)) {
        this.#send({ type: "chunk", id, data });
        await this.#drained(answer.signal);
      }
    } catch (error) {
      this.#send({ type: "chunk", id, data: dataEvent(apiErrorOf(error, this.#nameOf()).body) });
    }
  }

  #nameOf(): NameOf {
    return nameOfRoom(this.#options.room.client.state);
  }

  async #drained(signal: AbortSignal): Promise<void> {
    while ((this.#socket?.bufferedAmount ?? 0) > HIGH_WATER_BYTES && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  #send(message: PageToServer): void {
    if (this.#socket?.readyState !== WEB_SOCKET_OPEN) return;
    this.#socket.send(JSON.stringify(message));
  }

  #cancelAll(): void {
    for (const answer of this.#inFlight.values()) answer.cancel();
    this.#inFlight.clear();
  }
}

function fetchRequest(
  { method, path, query, headers, body }: BridgeRequest,
  signal: AbortSignal,
): Request {
  const url = new URL(`http://room${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(url, { method, headers, signal, ...(hasBody ? { body } : {}) });
}
