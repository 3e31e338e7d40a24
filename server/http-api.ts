/**
 * `/v1` and `/api`: relays each request to the coordinator of its room as it is.
 * Does not know the routes; the room responds to those, and to unknown ones.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { BRIDGED_HEADERS, MAX_BRIDGED_BODY_BYTES } from "../src/shared/index.ts";
import { problemResponse } from "./api-error.ts";
import type { Bridge } from "./bridge.ts";
import { chooseRoom } from "./choose-room.ts";
import { CROSS_ORIGIN } from "./headers.ts";

export function httpApi(bridge: Bridge): Hono {
  const app = new Hono();
  for (const path of ["/v1/*", "/api/*"]) {
    // OpenAI clients in other pages may use the room; there are no credentials to steal.
    app.use(path, cors({ origin: "*", maxAge: 600 }));
    app.all(
      path,
      bodyLimit({
        maxSize: MAX_BRIDGED_BODY_BYTES,
        onError: () =>
          problemResponse({ kind: "body_too_large", maxBytes: MAX_BRIDGED_BODY_BYTES }),
      }),
      async (context) => {
        const response = await relay(bridge, context);
        for (const [name, value] of Object.entries(CROSS_ORIGIN)) response.headers.set(name, value);
        if (context.req.method !== "HEAD") return response;
        // The room need not go on with a body that nobody reads.
        await response.body?.cancel();
        return new Response(null, response);
      },
    );
  }
  return app;
}

async function relay(bridge: Bridge, { req }: Context): Promise<Response> {
  const body = await req.text();
  // A parameter that occurs twice has its last value.
  const query = Object.fromEntries(new URL(req.url).searchParams);
  const named = query["room"] ?? req.header("x-tabmesh-room") ?? null;
  const choice = chooseRoom(named, bridge.rooms());
  if (choice.kind === "none") return problemResponse(choice.problem);
  const requests = bridge.requestsOf(choice.room);
  if (requests === undefined) return problemResponse({ kind: "coordinator_gone" });
  const headers: Record<string, string> = {};
  for (const name of BRIDGED_HEADERS) {
    const value = req.header(name);
    if (value !== undefined) headers[name] = value;
  }
  const { method, path } = req;
  return requests.start({ method, path, query, headers, body }, req.raw.signal);
}
