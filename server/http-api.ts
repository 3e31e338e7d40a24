/**
 * `/v1` and `/api`: relays each request to the coordinator of its room as it is.
 * Does not know the routes; the room responds to those, and to unknown ones.
 */
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { type ApiProblem, BRIDGED_HEADERS, type RoomCode } from "../src/shared/index.ts";
import { isLocal } from "./access.ts";
import { accessRequestOf } from "./access-request.ts";
import { codeOf, decideApiAccess } from "./api-access.ts";
import { problemResponse } from "./api-error.ts";
import type { Bridge } from "./bridge.ts";
import { addressKey, rateLimited } from "./rate-limit.ts";
import type { Rates } from "./rates.ts";
import type { BodyReader } from "./read-body.ts";

type NodeContext = Context<{ Bindings: HttpBindings }>;

export type HttpApiOptions = {
  /** Null if the server has none. */
  readonly apiKey: string | null;
  readonly rates: Pick<Rates, "guesses">;
  readonly bodies: BodyReader;
};

export function httpApi(bridge: Bridge, options: HttpApiOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  for (const path of ["/v1/*", "/api/*"]) {
    app.all(path, async (context) => {
      const query = queryOf(context);
      const named = query["room"] ?? context.req.header("x-tabmesh-room") ?? null;
      const room = admit(bridge, context, options, named);
      if (typeof room !== "string") return problemResponse(room);
      const response = await relay(bridge, context, room, query, options.bodies);
      if (context.req.method !== "HEAD") return response;
      // The room can stop sending a body that nobody reads.
      await response.body?.cancel();
      return new Response(null, response);
    });
  }
  return app;
}

/** A parameter that occurs twice has its last value. */
function queryOf({ req }: NodeContext): Record<string, string> {
  return Object.fromEntries(new URL(req.url).searchParams);
}

/**
 * The room that the request is for, or why it gets none. Wrong keys and codes count as guesses of the
 * address. After too many it is refused before its next guess is looked at; otherwise the right one would
 * still be found.
 */
function admit(
  bridge: Bridge,
  { req, env: { incoming } }: NodeContext,
  { apiKey, rates: { guesses } }: HttpApiOptions,
  named: string | null,
): RoomCode | ApiProblem {
  const authorization = req.header("authorization");
  const isFree = apiKey === null && isLocal(accessRequestOf(incoming));
  const address = addressKey(incoming.socket.remoteAddress);
  const code = apiKey === null ? codeOf(authorization) : null;
  const waitMs = isFree ? 0 : guesses.waitMs(address, code);
  if (waitMs > 0) return rateLimited(waitMs);
  const rooms = bridge.rooms();
  const room = decideApiAccess({ apiKey, isLocal: isFree, authorization, named, rooms });
  const isGuess =
    typeof room !== "string" && (room.reason === "key_wrong" || room.reason === "code_wrong");
  if (isGuess) guesses.charge(address, code);
  return room;
}

async function relay(
  bridge: Bridge,
  { req, env: { outgoing } }: NodeContext,
  room: RoomCode,
  query: Record<string, string>,
  bodies: BodyReader,
): Promise<Response> {
  const requests = bridge.requestsOf(room);
  if (requests === undefined) return problemResponse({ reason: "coordinator_gone" });
  // Before the body is read, so that bodies in memory are limited too.
  const { maxRequests } = requests;
  const busy = { reason: "room_busy", room, maxRequests, retryAfterS: 1 } as const;
  const slot = requests.takeSlot();
  if (slot === null) return problemResponse(busy);
  const body = await bodies.read(req.raw);
  slot.release();
  if (typeof body !== "string") return problemResponse(body);
  if (requests.isUnread()) return problemResponse(busy);
  // The coordinator may have changed in the meantime.
  if (bridge.requestsOf(room) !== requests) return problemResponse({ reason: "coordinator_gone" });
  const headers: Record<string, string> = {};
  for (const name of BRIDGED_HEADERS) {
    const value = req.header(name);
    if (value !== undefined) headers[name] = value;
  }
  const { method, path } = req;
  const client = { signal: req.raw.signal, disconnect: () => void outgoing.destroy() };
  return requests.start({ method, path, query, headers, body }, client);
}
