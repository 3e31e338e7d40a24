/** Serves files with ranges, ETags, and `If-Range`, by the `send` package. */
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import send from "send";

export type NodeContext = Context<{ Bindings: HttpBindings }>;

/** What `send` reports: not found, a range outside the file, a malformed path. */
type SendError = { readonly status: number; readonly headers?: Record<string, string> };

/** Node's default of 64 KiB takes 1.2 to 1.8 ns of CPU per byte of a model; this takes 0.8 to 0.9. */
const READ_BYTES = 1 << 20;

/** Responds with `path` below `root`, or with an error; `path` is still encoded, as in a URL. */
export function sendFile(
  { env: { incoming, outgoing } }: NodeContext,
  path: string,
  options: send.SendOptions & { readonly root: string },
  headers: Readonly<Record<string, string>> = {},
): Response {
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  const reading = { highWaterMark: READ_BYTES }; // `send` passes it to `createReadStream`
  send(incoming, path, { dotfiles: "ignore", ...reading, ...options })
    .on("error", ({ status, headers }: SendError) => fail(outgoing, status, headers))
    // `send` would redirect to the path with a slash, which has no page either.
    .on("directory", () => fail(outgoing, 404))
    .pipe(outgoing);
  return RESPONSE_ALREADY_SENT;
}

/** `send` itself would remove the headers that isolate the response. */
function fail(outgoing: ServerResponse, status: number, headers: SendError["headers"] = {}): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  outgoing.writeHead(status, { "Content-Type": "text/plain", "Cache-Control": "no-store" });
  outgoing.end(`${STATUS_CODES[status] ?? status}\n`);
}
