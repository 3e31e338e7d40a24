/** Serves files with ranges, ETags, and `If-Range`, by the `send` package. */
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import send from "send";

export type NodeContext = Context<{ Bindings: HttpBindings }>;

/** Responds with `path` below `root`, or with an error; `path` is still encoded, as in a URL. */
export function sendFile(
  { env: { incoming, outgoing } }: NodeContext,
  path: string,
  options: send.SendOptions & { readonly root: string },
  headers: Readonly<Record<string, string>> = {},
): Response {
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  send(incoming, path, options).pipe(outgoing);
  return RESPONSE_ALREADY_SENT;
}
