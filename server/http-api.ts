/**
 * `/v1` and `/api`: every request goes to the coordinator of its room as it is.
 * Does not know the routes; the room answers those, its 404 included.
 */
import express, { type NextFunction, type Request, type Response, type Router } from "express";
import { BRIDGED_HEADERS, MAX_BRIDGED_BODY_BYTES } from "../src/shared/index.ts";
import { sendError } from "./api-error.ts";
import { COORDINATOR_GONE } from "./bridge-requests.ts";
import type { Bridge } from "./bridge.ts";
import { chooseRoom } from "./choose-room.ts";

export function httpApi(bridge: Bridge): Router {
  const router = express.Router();
  router.use(["/v1", "/api"], allowOtherOrigins);
  router.use(
    ["/v1", "/api"],
    express.text({ type: () => true, limit: MAX_BRIDGED_BODY_BYTES }),
    (request: Request, response: Response) => forward(bridge, request, response),
    answerBodyError,
  );
  return router;
}

/** OpenAI clients in other pages may use the room; there is no credential to steal. */
function allowOtherOrigins(request: Request, response: Response, next: NextFunction): void {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
  if (request.method !== "OPTIONS") return next();
  response.setHeader("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
  response.setHeader(
    "Access-Control-Allow-Headers",
    request.headers["access-control-request-headers"] ?? "*",
  );
  response.setHeader("Access-Control-Max-Age", "600");
  response.status(204).end();
}

function forward(bridge: Bridge, request: Request, response: Response): void {
  const query = lastValues(request.originalUrl);
  const named = query["room"] ?? request.get("x-tabmesh-room") ?? null;
  const choice = chooseRoom(named, bridge.rooms());
  if (choice.kind === "none") return sendError(response, choice.error);
  const requests = bridge.requestsOf(choice.room);
  if (requests === undefined) return sendError(response, COORDINATOR_GONE);
  const headers: Record<string, string> = {};
  for (const name of BRIDGED_HEADERS) {
    const value = request.get(name);
    if (value !== undefined) headers[name] = value;
  }
  requests.start(
    {
      method: request.method,
      path: request.baseUrl + (request.path === "/" ? "" : request.path),
      query,
      headers,
      body: typeof request.body === "string" ? request.body : "",
    },
    response,
  );
}

function lastValues(url: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(url.split("?").slice(1).join("?")));
}

/** The body parser's refusals, in OpenAI's shape. */
function answerBodyError(
  error: Error & { status?: number; type?: string },
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (response.headersSent || error.status === undefined || error.status >= 500) return next(error);
  const tooLarge = error.status === 413;
  sendError(response, {
    status: error.status,
    code: tooLarge ? "body_too_large" : (error.type ?? "bad_body"),
    message: tooLarge
      ? `The body is larger than ${MAX_BRIDGED_BODY_BYTES} bytes. Send a shorter prompt.`
      : `The body could not be read: ${error.message}.`,
  });
}
