/** Everything that is served over HTTP: the built page, models, signaling, and the rooms' API. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { ApiProblem, ServerFacts } from "../src/shared/index.ts";
import { decideAccess, isLocal, type AccessPolicy } from "./access.ts";
import { accessRequestOf, corsHeaders, preflightHeaders } from "./access-request.ts";
import { codeOf } from "./api-access.ts";
import { problemBody, problemHeaders, problemStatus } from "./api-error.ts";
import type { Bridge } from "./bridge.ts";
import { sendFile } from "./files.ts";
import { DEFAULT_HEADERS } from "./headers.ts";
import { httpApi, type HttpApiOptions } from "./http-api.ts";
import { modelFiles } from "./models.ts";
import { addressKey, rateLimited } from "./rate-limit.ts";
import type { Rates } from "./rates.ts";
import { SIGNALING_PATH } from "./signaling.ts";

export type AppDirectories = {
  /** The built page. */
  readonly page: string;
  /** GGUF files. */
  readonly models: string;
};

/** Built files have a hash of their content in their names. */
const HASHED_FILE = { immutable: true, maxAge: "365d" } as const;

export type AppAccess = HttpApiOptions & {
  /** Called for each request, as `facts` is: the port is known once the server listens. */
  readonly policy: () => AccessPolicy;
  readonly rates: Rates;
};

export function createApp(
  bridge: Bridge,
  signaling: RequestListener,
  { page, models }: AppDirectories,
  facts: () => ServerFacts,
  access: AppAccess,
): RequestListener {
  const { policy, rates } = access;
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.route("/", httpApi(bridge, access));
  app.route("/", modelFiles(models));
  app.get("/server.json", ({ req, env: { incoming } }) => {
    const mayRelay = seesCredentials(bridge, incoming, req.header("authorization"), rates);
    const { iceServers, ...others } = facts();
    const shown = iceServers.filter(({ credential }) => mayRelay || credential === undefined);
    return Response.json(
      { ...others, iceServers: shown },
      { headers: { "Cache-Control": "no-store" } },
    );
  });
  // Of signaling's HTTP routes only this one: errors of the others show the paths of its files.
  app.get(`${SIGNALING_PATH}/peerjs/id`, ({ env: { incoming, outgoing } }) => {
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
    const waitMs = rates.requests.take(addressKey(request.socket.remoteAddress));
    if (waitMs > 0) return refuse(response, rateLimited(waitMs));
    const origin = admit(policy(), request, response);
    if (origin === undefined) return;
    const cors = corsHeaders(origin);
    for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
    void respond(request, response);
  };
}

/**
 * TURN servers relay traffic for anyone who has their credentials: only programs on
 * this machine and those who have the code of an open room get them.
 */
function seesCredentials(
  bridge: Bridge,
  incoming: IncomingMessage,
  authorization: string | undefined,
  { guesses }: Rates,
): boolean {
  if (isLocal(accessRequestOf(incoming))) return true;
  const address = addressKey(incoming.socket.remoteAddress);
  const code = codeOf(authorization);
  if (code === null || guesses.waitMs(address, code) > 0) return false;
  const isMember = bridge.rooms().includes(code);
  if (!isMember) guesses.charge(address, code);
  return isMember;
}

/** The origin to respond to, null without one; undefined if this function has responded. */
function admit(
  policy: AccessPolicy,
  request: IncomingMessage,
  response: ServerResponse,
): string | null | undefined {
  const decision = decideAccess(policy, accessRequestOf(request));
  switch (decision.kind) {
    case "pass":
      return decision.origin;
    case "preflight":
      response.writeHead(204, preflightHeaders(request, decision.origin)).end();
      return undefined;
    case "redirect":
      response.writeHead(308, { Location: decision.location }).end();
      return undefined;
    case "refuse":
      refuse(response, decision.problem);
      return undefined;
    default:
      return decision satisfies never;
  }
}

function refuse(response: ServerResponse, problem: ApiProblem): void {
  const headers = { ...problemHeaders(problem), "Content-Type": "application/json" };
  response.writeHead(problemStatus(problem), headers).end(JSON.stringify(problemBody(problem)));
}
