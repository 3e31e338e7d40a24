/** What `access.ts` needs to know of a Node request, and the headers that tell a browser its decision. */
import type { IncomingMessage } from "node:http";
import type { AccessRequest } from "./access.ts";

/** The headers of a response that a page of another origin needs for reading ranges and errors. */
const EXPOSED_HEADERS = ["Accept-Ranges", "Content-Length", "Content-Range", "ETag", "Retry-After"];

/** What proxies add. */
const FORWARDED_HEADERS = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/** Seconds for which a browser keeps the answer to a preflight. */
const PREFLIGHT_MAX_AGE_S = "600";

export function accessRequestOf(request: IncomingMessage): AccessRequest {
  const { headers, socket } = request;
  const header = (name: string) => headers[name]?.toString();
  return {
    method: request.method ?? "GET",
    target: request.url ?? "/",
    hosts: request.headersDistinct["host"] ?? [],
    origin: header("origin"),
    fetchSite: header("sec-fetch-site"),
    fetchMode: header("sec-fetch-mode"),
    fetchDest: header("sec-fetch-dest"),
    contentType: header("content-type"),
    requestedMethod: header("access-control-request-method"),
    localAddress: socket.localAddress ?? "",
    isForwarded: FORWARDED_HEADERS.some((name) => header(name) !== undefined),
    isEncrypted: "encrypted" in socket && socket.encrypted === true,
  };
}

/** Lets pages of `origin` read a response; pages of all others, and caches, get no permission. */
export function corsHeaders(origin: string | null): Record<string, string> {
  if (origin === null) return { Vary: "Origin" };
  return {
    Vary: "Origin",
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Expose-Headers": EXPOSED_HEADERS.join(", "),
  };
}

/** Clients choose their headers: OpenAI's add a dozen. */
export function preflightHeaders({ headers }: IncomingMessage, origin: string) {
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": headers["access-control-request-headers"]?.toString() ?? "",
    "Access-Control-Max-Age": PREFLIGHT_MAX_AGE_S,
    Vary: "Origin, Access-Control-Request-Headers",
  };
}
