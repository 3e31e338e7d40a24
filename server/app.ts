/** Everything that is served over HTTP: the built page, models, signaling, and the rooms' API. */
import type { RequestListener } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { ServerFacts } from "../src/shared/index.ts";
import type { Bridge } from "./bridge.ts";
import { sendFile } from "./files.ts";
import { CROSS_ORIGIN, DEFAULT_HEADERS } from "./headers.ts";
import { httpApi } from "./http-api.ts";
import { modelFiles } from "./models.ts";
import { SIGNALING_PATH } from "./signaling.ts";

export type AppDirectories = {
  /** The built page. */
  readonly page: string;
  /** GGUF files. */
  readonly models: string;
};

/** Built files have a hash of their content in their names. */
const HASHED_FILE = { immutable: true, maxAge: "365d" } as const;

/** `facts` is called for each request: the port is known once the server listens. */
export function createApp(
  bridge: Bridge,
  signaling: RequestListener,
  { page, models }: AppDirectories,
  facts: () => ServerFacts,
): RequestListener {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.route("/", httpApi(bridge));
  app.route("/", modelFiles(models));
  app.get("/server.json", () =>
    Response.json(facts(), { headers: { ...CROSS_ORIGIN, "Cache-Control": "no-cache" } }),
  );
  app.all(`${SIGNALING_PATH}/*`, ({ env: { incoming, outgoing } }) => {
    signaling(incoming, outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/assets/*", (context) =>
    sendFile(context, context.req.path, { root: page, ...HASHED_FILE }),
  );
  app.get("*", (context) => sendFile(context, context.req.path, { root: page }));
  app.onError((error, { req }) => {
    console.error(`${req.method} ${req.path}: ${error.stack ?? error.message}`);
    return new Response("The server failed. The reason is in its terminal.\n", { status: 500 });
  });
  const respond = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (request, response) => {
    for (const [name, value] of Object.entries(DEFAULT_HEADERS)) response.setHeader(name, value);
    void respond(request, response);
  };
}
