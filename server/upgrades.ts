/** Passes each WebSocket to the server of its path; other paths get a 404. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocketServer } from "ws";

export type SocketRoutes = ReadonlyMap<string, WebSocketServer>;

export function routeUpgrades(server: Server, routes: SocketRoutes): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The client may disconnect during the handshake; ws adds its own listener to an accepted socket.
    socket.on("error", () => socket.destroy());
    const target = routes.get(pathOf(request.url ?? "/"));
    if (target === undefined) {
      socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    target.handleUpgrade(request, socket, head, (webSocket) => {
      target.emit("connection", webSocket, request);
    });
  });
}

/**
 * The path of a request target, without the query and one trailing slash. Splits
 * the text instead of parsing it as a URL: the target is whatever the client
 * sent, `new URL("//", base)` throws, and a throw in an event handler ends the process.
 */
function pathOf(target: string): string {
  return target.split("?", 1)[0]!.replace(/\/$/, "");
}
