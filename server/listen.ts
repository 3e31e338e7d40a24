/**
 * One port for HTTP and HTTPS. A TLS connection begins with the byte 22, and no
 * HTTP request does, so the first byte decides which server gets a connection.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";

/** The content type of a TLS record that holds a handshake (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 22;

/** A connection that sends nothing is closed after this; browsers open some in advance. */
const FIRST_BYTE_TIMEOUT_MS = 60_000;

/** Another program listens on the port. Caught by `run.ts`. */
export class PortBusyError extends Error {
  readonly port: number;
  constructor(port: number) {
    super(`port ${port} is in use`);
    this.port = port;
  }
}

/** Listens on `host:port`. Connections that begin with a TLS handshake go to `https`, others to `http`. */
export async function listen(
  host: string,
  port: number,
  http: HttpServer,
  https: HttpsServer | null,
): Promise<Server> {
  const server = createServer((socket) => dispatchConnection(socket, http, https));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new PortBusyError(port) : error);
    });
    server.listen({ host, port, ipv6Only: host.includes(":") }, resolve);
  });
  return server;
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function dispatchConnection(socket: Socket, http: HttpServer, https: HttpsServer | null): void {
  const drop = () => socket.destroy();
  socket.on("error", drop);
  socket.setTimeout(FIRST_BYTE_TIMEOUT_MS, drop);
  socket.once("data", (bytes: Buffer) => {
    socket.pause();
    socket.setTimeout(0);
    socket.off("timeout", drop);
    socket.off("error", drop);
    const target = bytes[0] === TLS_HANDSHAKE && https !== null ? https : http;
    socket.unshift(bytes);
    target.emit("connection", socket);
    process.nextTick(() => socket.resume());
  });
}
