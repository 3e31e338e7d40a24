/**
 * The bridge's messages: the server sends an HTTP request to a room's coordinator and
 * gets the answer back over one WebSocket (`/bridge`), with one JSON message per text frame.
 *
 *   server to page   challenge (first), accepted or refused, then request, cancel,
 *                    pause and resume (the HTTP client reads slowly)
 *   page to server   claim (first, and again in a later epoch or with another key), then for
 *                    each request: response, any number of chunks, end
 *
 * The claim is signed with a key of the room's secret. The first claim of a room registers
 * the key at the server. Another key is accepted if the registered one signed it. Messages with
 * a `version` are read in two steps: the version first, and the other fields only if it is the
 * reader's own.
 *
 * The server does not interpret a request: it forwards method, path, query, the
 * headers in `BRIDGED_HEADERS`, and the body's text, and writes the chunks to the HTTP
 * response in order. A claim of a later term replaces the older socket.
 */
import { z } from "zod";
import { failure, typed } from "./failure-schema.ts";
import { MemberId, RoomCode } from "./ids.ts";
import { BridgeNonce, BridgePublicKey, BridgeSignature, KeySuccession } from "./room-secret.ts";

/** The path of the socket on the server. */
export const BRIDGE_PATH = "/bridge";

/** Incremented by each change that an older page or server would misinterpret. */
export const BRIDGE_VERSION = 3;

/** The coordinator closes its socket with this code when it leaves as the last member. */
export const ROOM_ENDED_CODE = 4000;

/** Of every message that has a version, whatever its other fields. */
const Versioned = z.object({ version: z.int() });

/** The version that `message` names; null if it names none. */
export function bridgeVersionOf(message: unknown): number | null {
  return Versioned.safeParse(message).data?.version ?? null;
}

/** Request headers that are forwarded, in lower case. */
export const BRIDGED_HEADERS = [
  "idempotency-key",
  "accept",
  "content-type",
  "last-event-id",
  "x-tabmesh-room",
] as const;

/** The server answers a longer body with 413. */
export const MAX_BRIDGED_BODY_BYTES = 4 * 1024 * 1024;

/** A longer chunk is sent as several. */
export const MAX_CHUNK_CHARACTERS = 64 * 1024;

/** Unique among the requests in flight on one socket; the server chooses it. */
const RequestId = z.string().min(1).max(64);

export const BridgeRequest = typed("request", {
  id: RequestId,
  /** In upper case. */
  method: z.string(),
  /** Without the query: "/v1/models". */
  path: z.string(),
  /** A parameter that occurs twice has its last value. */
  query: z.record(z.string(), z.string()),
  /** Names in lower case. */
  headers: z.record(z.string(), z.string()),
  /** The body's unparsed text; empty if there is none. */
  body: z.string(),
});
export type BridgeRequest = z.infer<typeof BridgeRequest>;

/** The HTTP client disconnected: the page stops the work and sends nothing more for this id. */
export const BridgeCancel = typed("cancel", { id: RequestId });

/** Why the bridge refuses or ends a coordinator's socket; `words` renders it. */
export const BridgeRefusal = z.discriminatedUnion("reason", [
  failure("version_mismatch", { server: z.int(), page: z.int() }),
  /** Text that is no message of the bridge, or a message in the wrong order. */
  failure("invalid_message", {}),
  failure("claim_timeout", { timeoutMs: z.int() }),
  /** The room was claimed with another key: by another room of the same code, or by a stranger. */
  failure("wrong_key", { room: RoomCode }),
  failure("invalid_signature", { room: RoomCode }),
  /** A later term of the room has begun; `held` if its coordinator is connected. */
  failure("epoch_passed", {
    room: RoomCode,
    epoch: z.int(),
    last: z.int(),
    by: MemberId,
    held: z.boolean(),
  }),
  failure("epoch_too_high", { room: RoomCode, epoch: z.int(), highest: z.int() }),
  /** The server keeps the keys of no further rooms. */
  failure("too_many_rooms", { maxRooms: z.int() }),
  /** Too many refused claims from one address. */
  failure("rate_limited", { retryAfterS: z.int() }),
  failure("replaced", { room: RoomCode, epoch: z.int(), by: MemberId }),
]);
export type BridgeRefusal = z.infer<typeof BridgeRefusal>;

export const ServerToPage = z.discriminatedUnion("type", [
  typed("challenge", { version: z.literal(BRIDGE_VERSION), nonce: BridgeNonce }),
  typed("accepted", {}),
  /** The socket closes after it. */
  typed("refused", { version: z.literal(BRIDGE_VERSION), refusal: BridgeRefusal }),
  BridgeRequest,
  BridgeCancel,
  /** The page sends no chunk of this answer until it gets `resume`; what is on its way may arrive. */
  typed("pause", { id: RequestId }),
  typed("resume", { id: RequestId }),
]);
export type ServerToPage = z.infer<typeof ServerToPage>;

/** Whether `first` is a later term: of two members that opened the same epoch, the smaller id's. */
export function isLaterTerm(first: Term, second: Term): boolean {
  if (first.epoch !== second.epoch) return first.epoch > second.epoch;
  return first.member < second.member;
}
type Term = { readonly epoch: number; readonly member: MemberId };

/** "This tab coordinates `room` in `epoch`", signed over the socket's nonce. */
export const BridgeClaimMessage = typed("claim", {
  version: z.literal(BRIDGE_VERSION),
  room: RoomCode,
  /** The coordinator's term. Of two claims, the later term counts: see `isLaterTerm`. */
  epoch: z.int().min(1),
  member: MemberId,
  publicKey: BridgePublicKey,
  signature: BridgeSignature,
  /** How the key came about, if it is not the room's first. */
  succession: KeySuccession,
});
export type BridgeClaimMessage = z.infer<typeof BridgeClaimMessage>;

export const PageToServer = z.discriminatedUnion("type", [
  BridgeClaimMessage,
  /** Once for each request, before its chunks. */
  typed("response", {
    id: RequestId,
    status: z.int().min(200).max(599),
    headers: z.record(z.string(), z.string()),
  }),
  typed("chunk", { id: RequestId, data: z.string() }),
  typed("end", { id: RequestId }),
]);
export type PageToServer = z.infer<typeof PageToServer>;
