/** Passes each WebSocket that `access.ts` admits to the server of its path; other paths get a 404. */
import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocketServer } from "ws";
import { decideAccess, type AccessPolicy } from "./access.ts";
import { accessRequestOf } from "./access-request.ts";
import { problemHeaders, problemStatus } from "./api-error.ts";
import { addressKey, rateLimited } from "./rate-limit.ts";
import type { Rates } from "./rates.ts";

export type SocketRoutes = ReadonlyMap<string, WebSocketServer>;

export function routeUpgrades(
  server: Server,
  routes: SocketRoutes,
  policy: () => AccessPolicy,
  { requests }: Rates,
): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The client may disconnect during the handshake; ws adds its own listener to an accepted socket.
    socket.on("error", () => socket.destroy());
    const waitMs = requests.take(addressKey(request.socket.remoteAddress));
    if (waitMs > 0) return respond(socket, 429, problemHeaders(rateLimited(waitMs)));
    const decision = decideAccess(policy(), accessRequestOf(request));
    if (decision.kind === "refuse") return respond(socket, problemStatus(decision.problem));
    // Only a secure page has a room, and it cannot open an insecure socket.
    if (decision.kind !== "pass") return respond(socket, 403);
    const target = routes.get(pathOf(request.url ?? "/"));
    if (target === undefined) return respond(socket, 404);
    target.handleUpgrade(request, socket, head, (webSocket) => {
      target.emit("connection", webSocket, request);
    });
  });
}

function respond(socket: Duplex, status: number, headers: Record<string, string> = {}): void {
  const lines = Object.entries({ ...headers, Connection: "close", "Content-Length": "0" });
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (const [name, value] of lines) head.push(`${name}: ${value}`);
  socket.end(`${head.join("\r\n")}\r\n\r\n`);
}

/**
 * The path of a request target, without the query and one trailing slash. Splits
 * the text instead of parsing it as a URL: the target is whatever the client
 * sent, `new URL("//", base)` throws, and a throw in an event handler ends the process.
 */
function pathOf(target: string): string {
  return target.split("?", 1)[0]!.replace(/\/$/, "");
}
