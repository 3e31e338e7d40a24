/**
 * One port for HTTP and HTTPS. A TLS connection begins with the byte 22, and no
 * HTTP request does, so the first byte decides which server gets a connection.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Connections } from "./connections.ts";
import type { Limits } from "./limits.ts";

/** The content type of a TLS record that holds a handshake (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 22;

/** Another program listens on the port. Caught by `run.ts`. */
export class PortBusyError extends Error {
  readonly port: number;
  constructor(port: number) {
    super(`port ${port} is in use`);
    this.port = port;
  }
}

export type ListeningServers = {
  readonly http: HttpServer;
  /** Null for a server without HTTPS. */
  readonly https: HttpsServer | null;
  readonly connections: Connections;
  /** A connection that sends nothing is closed after this; browsers open some in advance. */
  readonly firstByteMs: number;
};

/** The options of a server that gets its connections from `listen`. */
export function timeoutOptions({ headersMs, requestMs, checkMs }: Limits) {
  return {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
  };
}

/**
 * Node enforces a server's timeouts from its `listening` event on, which a server that gets
 * its connections from another one does not have.
 */
export function startTimeouts(server: HttpServer | HttpsServer): void {
  server.emit("listening");
}

/** Listens on `host:port`. Connections that begin with a TLS handshake go to `https`, others to `http`. */
export async function listen(
  host: string,
  port: number,
  servers: ListeningServers,
): Promise<Server> {
  const server = createServer((socket) => {
    if (servers.connections.admit(socket)) dispatchConnection(socket, servers);
  });
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

function dispatchConnection(socket: Socket, { http, https, firstByteMs }: ListeningServers): void {
  const drop = () => socket.destroy();
  socket.on("error", drop);
  socket.setTimeout(firstByteMs, drop);
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
