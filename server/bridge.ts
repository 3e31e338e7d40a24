/**
 * The rooms' coordinators, each on one WebSocket. A socket gets a challenge and answers
 * with a claim, which `room-claims.ts` decides about. Of a room the server keeps only its
 * coordinator's socket, and its key for some time longer.
 */
import type { IncomingMessage } from "node:http";
import { WebSocketServer, type WebSocket } from "ws";
import {
  BRIDGE_VERSION,
  BridgeClaimMessage,
  type BridgeNonce,
  type BridgeRefusal,
  bridgeVersionOf,
  createBridgeNonce,
  PageToServer,
  parseJson,
  ROOM_ENDED_CODE,
  type RoomCode,
  type ServerToPage,
} from "../src/shared/index.ts";
import { describeBridgeRefusal } from "../src/words/index.ts";
import { BridgeRequests } from "./bridge-requests.ts";
import type { Limits } from "./limits.ts";
import { paceMessages } from "./pace-messages.ts";
import { addressKey, rateLimited } from "./rate-limit.ts";
import type { Rates } from "./rates.ts";
import { RoomClaims } from "./room-claims.ts";

/** A tab that disappears without closing its socket is detected after two of these. */
const PING_INTERVAL_MS = 10_000;

/** A socket that does not answer its challenge is closed after this. */
const CLAIM_TIMEOUT_MS = 10_000;

/** Of real pages; a stranger could invent any number. */
const MAX_REPORTED_VERSIONS = 4;

type Coordinator = {
  readonly socket: WebSocket;
  readonly requests: BridgeRequests;
};

export class Bridge {
  readonly socketServer: WebSocketServer;
  readonly #limits: Limits;
  readonly #rates: Rates;
  readonly #claims: RoomClaims;
  readonly #coordinators = new Map<RoomCode, Coordinator>();
  readonly #answering = new WeakSet<WebSocket>();
  readonly #pings: NodeJS.Timeout;
  readonly #reportedVersions = new Set<number>();

  constructor(limits: Limits, rates: Rates) {
    this.#limits = limits;
    this.#rates = rates;
    this.#claims = new RoomClaims(limits.rooms);
    const maxPayload = limits.bridgeMessageBytes;
    this.socketServer = new WebSocketServer({ noServer: true, maxPayload });
    this.socketServer.on("connection", (socket: WebSocket, request: IncomingMessage) => {
      this.#challenge(socket, addressKey(request.socket.remoteAddress));
    });
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

  #challenge(socket: WebSocket, address: string): void {
    paceMessages(socket, this.#rates.messages, address);
    const timeout = setTimeout(
      () => refuse(socket, { reason: "claim_timeout", timeoutMs: CLAIM_TIMEOUT_MS }),
      CLAIM_TIMEOUT_MS,
    ).unref();
    this.#answering.add(socket);
    socket.on("pong", () => this.#answering.add(socket));
    // It closes right after this event. What a stranger sends is not worth a line in the terminal.
    socket.on("error", () => undefined);
    socket.on("close", () => clearTimeout(timeout));
    const nonce = createBridgeNonce();
    socket.once("message", (data) => {
      clearTimeout(timeout);
      const claim = claimOf(parseJson(data as Buffer));
      if ("reason" in claim) return this.#refuseClaim(socket, claim);
      const { guesses } = this.#rates;
      const waitMs = guesses.waitMs(address, claim.room);
      if (waitMs > 0) return refuse(socket, rateLimited(waitMs));
      const isKnown = this.#claims.knows(claim.room);
      const refusal = this.#claims.decide(claim, nonce, performance.now());
      // A refusal tells that there is a room of this code, and a new room takes one of few places.
      if (refusal !== null || !isKnown) guesses.charge(address, claim.room);
      if (refusal === null) this.#accept(socket, claim, nonce);
      else this.#refuseClaim(socket, refusal);
    });
    send(socket, { type: "challenge", version: BRIDGE_VERSION, nonce });
  }

  #accept(
    socket: WebSocket,
    { room, epoch, member }: BridgeClaimMessage,
    nonce: BridgeNonce,
  ): void {
    const older = this.#coordinators.get(room);
    const page = {
      send: (message: ServerToPage) => send(socket, message),
      unreadBytes: () => socket.bufferedAmount,
    };
    const requests = new BridgeRequests(page, this.#limits);
    const coordinator = { socket, requests };
    this.#coordinators.set(room, coordinator);
    if (older !== undefined) refuse(older.socket, { reason: "replaced", room, epoch, by: member });
    older?.requests.failAll({ reason: "coordinator_gone" });
    socket.on("message", (data) => {
      const { data: message } = PageToServer.safeParse(parseJson(data as Buffer));
      if (message === undefined) refuse(socket, { reason: "invalid_message" });
      else if (message.type !== "claim") requests.take(message);
      else if (this.#coordinators.get(room) === coordinator) {
        this.#claimAgain(socket, room, message, nonce);
      }
    });
    socket.on("close", (code) => {
      if (this.#coordinators.get(room) === coordinator) {
        this.#coordinators.delete(room);
        if (code === ROOM_ENDED_CODE) this.#claims.end(room);
        else this.#claims.release(room, performance.now());
      }
      requests.failAll({ reason: "coordinator_gone" });
    });
    send(socket, { type: "accepted" });
  }

  /** In a later epoch, or with the next key: the socket stays. */
  #claimAgain(socket: WebSocket, room: RoomCode, claim: BridgeClaimMessage, nonce: BridgeNonce) {
    if (claim.room !== room) return refuse(socket, { reason: "invalid_message" });
    const refusal = this.#claims.decide(claim, nonce, performance.now());
    if (refusal !== null) return this.#refuseClaim(socket, refusal);
    send(socket, { type: "accepted" });
  }

  /** A version that differs concerns the person who runs the server, and is printed once. */
  #refuseClaim(socket: WebSocket, refusal: BridgeRefusal): void {
    const reported = this.#reportedVersions;
    if (refusal.reason === "version_mismatch" && reported.size < MAX_REPORTED_VERSIONS) {
      if (!reported.has(refusal.page)) console.error(`bridge: ${describeBridgeRefusal(refusal)}`);
      reported.add(refusal.page);
    }
    refuse(socket, refusal);
  }

  #ping(): void {
    for (const socket of this.socketServer.clients) {
      if (!this.#answering.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }
}

/** The version first, because a message of another version may have other fields. */
function claimOf(message: unknown): BridgeClaimMessage | BridgeRefusal {
  const page = bridgeVersionOf(message);
  if (page !== null && page !== BRIDGE_VERSION) {
    return { reason: "version_mismatch", server: BRIDGE_VERSION, page };
  }
  return BridgeClaimMessage.safeParse(message).data ?? { reason: "invalid_message" };
}

/** Of RFC 6455. */
const POLICY_VIOLATION_CODE = 1008;

function refuse(socket: WebSocket, refusal: BridgeRefusal): void {
  send(socket, { type: "refused", version: BRIDGE_VERSION, refusal });
  socket.close(POLICY_VIOLATION_CODE, refusal.reason);
}

function send(socket: WebSocket, message: ServerToPage): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}
