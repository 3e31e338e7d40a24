/**
 * The bridge's messages: the server sends an HTTP request to a room's coordinator and
 * gets the answer back over one WebSocket (`/bridge?room=CODE`), with one JSON message
 * per text frame.
 *
 *   server to page   request, cancel
 *   page to server   hello (first), then for each request:
 *                    response, any number of chunks, end
 *
 * The server does not interpret a request: it forwards method, path, query, the
 * headers in `BRIDGED_HEADERS`, and the body's text, and writes the chunks to the HTTP
 * response in order. A newer hello for a room replaces the older socket.
 */
import { z } from "zod";
import { MemberId, RoomCode } from "./ids.ts";

/** The path of the socket on the server; the room's code is its `room` parameter. */
export const BRIDGE_PATH = "/bridge";

/** Incremented by each change that an older page or server would misinterpret. */
export const BRIDGE_VERSION = 1;

/** Request headers that are forwarded, in lower case. */
export const BRIDGED_HEADERS = [
  "accept",
  "content-type",
  "last-event-id",
  "x-tabmesh-room",
] as const;

/** The server answers a longer body with 413. */
export const MAX_BRIDGED_BODY_BYTES = 4 * 1024 * 1024;

/** Unique among the requests in flight on one socket; the server chooses it. */
const RequestId = z.string().min(1).max(64);

export const BridgeRequest = z.strictObject({
  type: z.literal("request"),
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
export const BridgeCancel = z.strictObject({ type: z.literal("cancel"), id: RequestId });

export const ServerToPage = z.discriminatedUnion("type", [BridgeRequest, BridgeCancel]);
export type ServerToPage = z.infer<typeof ServerToPage>;

export const PageToServer = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    version: z.literal(BRIDGE_VERSION),
    room: RoomCode,
    member: MemberId,
    /** The room's epoch. Of two hellos, the one with the higher epoch is the coordinator's. */
    epoch: z.int().min(1),
  }),
  /** Once for each request, before its chunks. */
  z.strictObject({
    type: z.literal("response"),
    id: RequestId,
    status: z.int().min(200).max(599),
    headers: z.record(z.string(), z.string()),
  }),
  z.strictObject({ type: z.literal("chunk"), id: RequestId, data: z.string() }),
  z.strictObject({ type: z.literal("end"), id: RequestId }),
]);
export type PageToServer = z.infer<typeof PageToServer>;
