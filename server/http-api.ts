/**
 * `/v1` and `/api`: relays each request to the coordinator of its room as it is.
 * Does not know the routes; the room responds to those, and to unknown ones.
 */
import { type Context, Hono } from "hono";
import { BRIDGED_HEADERS } from "../src/shared/index.ts";
import { keyProblem } from "./access.ts";
import { problemResponse } from "./api-error.ts";
import type { Bridge } from "./bridge.ts";
import { chooseRoom } from "./choose-room.ts";
import { readBody } from "./read-body.ts";

/** `apiKey` is null if requests need none. */
export function httpApi(bridge: Bridge, apiKey: string | null, bodyBytes: number): Hono {
  const app = new Hono();
  for (const path of ["/v1/*", "/api/*"]) {
    app.use(path, async ({ req }, next) => {
      const problem = keyProblem(apiKey, req.header("authorization"));
      return problem === null ? next() : problemResponse(problem);
    });
    app.all(path, async (context) => {
      const response = await relay(bridge, context, bodyBytes);
      if (context.req.method !== "HEAD") return response;
      // The room need not go on with a body that nobody reads.
      await response.body?.cancel();
      return new Response(null, response);
    });
  }
  return app;
}

async function relay(bridge: Bridge, { req }: Context, bodyBytes: number): Promise<Response> {
  // A parameter that occurs twice has its last value.
  const query = Object.fromEntries(new URL(req.url).searchParams);
  const named = query["room"] ?? req.header("x-tabmesh-room") ?? null;
  const choice = chooseRoom(named, bridge.rooms());
  if (choice.kind === "none") return problemResponse(choice.problem);
  const { room } = choice;
  const requests = bridge.requestsOf(room);
  if (requests === undefined) return problemResponse({ reason: "coordinator_gone" });
  // Before the body is read, so that bodies in memory are limited too.
  const slot = requests.takeSlot();
  if (slot === null) {
    const { maxRequests } = requests;
    return problemResponse({ reason: "room_busy", room, maxRequests, retryAfterS: 1 });
  }
  const body = await readBody(req.raw, bodyBytes);
  slot.release();
  if (body.kind === "refused") return problemResponse(body.problem);
  const headers: Record<string, string> = {};
  for (const name of BRIDGED_HEADERS) {
    const value = req.header(name);
    if (value !== undefined) headers[name] = value;
  }
  const { method, path } = req;
  return requests.start({ method, path, query, headers, body: body.text }, req.raw.signal);
}
