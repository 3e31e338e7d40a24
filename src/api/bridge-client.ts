/**
 * The coordinator's end of the bridge: one WebSocket to the server that carries
 * HTTP requests to the room and responses back. Answers the server's challenge with a
 * claim that is signed with the room's secret, and claims the room again in each later epoch and
 * with each next key. Reconnects until it is closed, except to a server of another version.
 * When the socket breaks, the responses in flight are cancelled.
 */
import {
  BRIDGE_PATH,
  BRIDGE_VERSION,
  type BridgeNonce,
  type BridgeRefusal,
  bridgeVersionOf,
  type PageToServer,
  ROOM_ENDED_CODE,
  type RoomKey,
  ServerToPage,
  signBridgeClaim,
  parseJson,
  parseUntrusted,
} from "../shared/index.ts";
import { BridgeAnswers } from "./bridge-answers.ts";
import type { ApiRoom } from "./http/api-room.ts";

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
const WEB_SOCKET_OPEN = 1;
/** For the server to accept the room's next key; then the room uses it all the same. */
const ANNOUNCE_TIMEOUT_MS = 2000;

export class BridgeClient {
  readonly #options: BridgeClientOptions;
  readonly #answers: BridgeAnswers;
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
    this.#answers = new BridgeAnswers(options.room, {
      send: (message) => this.#send(message),
      unreadBytes: () => this.#socket?.bufferedAmount ?? 0,
    });
    this.#connect();
  }

  /** `roomEnded`: nobody is in the room any more, and the server may forget its key. */
  close({ roomEnded = false } = {}): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#socket?.close(roomEnded ? ROOM_ENDED_CODE : undefined);
    this.#answers.cancelAll();
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
    this.#answers.cancelAll();
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
      default:
        return this.#answers.take(message);
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

  #send(message: PageToServer): void {
    if (this.#socket?.readyState !== WEB_SOCKET_OPEN) return;
    this.#socket.send(JSON.stringify(message));
  }
}
