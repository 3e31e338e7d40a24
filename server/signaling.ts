/**
 * PeerJS signaling, which introduces tabs to each other and does not see what they
 * exchange. Its WebSocket server listens on nothing; `upgrades.ts` gives it the
 * sockets of its path, and `signaling-guard.ts` decides which of their messages it sees.
 */
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { ExpressPeerServer, type IClient } from "peer";
import { WebSocketServer, type WebSocket } from "ws";
import type { Limits } from "./limits.ts";
import { paceMessages } from "./pace-messages.ts";
import { addressKey } from "./rate-limit.ts";
import type { Rates } from "./rates.ts";
import { guardSocket } from "./signaling-guard.ts";

/** A page's PeerJS options are `path: SIGNALING_PATH` and the default key. */
export const SIGNALING_PATH = "/peerjs";

/**
 * The name of a client that has been silent for this long is free again. Browsers answer
 * pings without the page, whose timers may be throttled to one per minute.
 */
export const ALIVE_TIMEOUT_MS = 12_000;
const PING_INTERVAL_MS = 4_000;

export type Signaling = {
  readonly listener: RequestListener;
  /** For the sockets of `/peerjs/peerjs`. */
  readonly socketServer: WebSocketServer;
  close(): void;
};

export function createSignaling(server: Server, limits: Limits, rates: Rates): Signaling {
  const maxPayload = limits.signalingMessageBytes;
  const socketServer = new WebSocketServer({ noServer: true, maxPayload });
  // PeerServer gets the sockets behind their guards.
  const guarded = new WebSocketServer({ noServer: true });
  const names = new Set<string>();
  socketServer.on("connection", (socket: WebSocket, request: IncomingMessage) => {
    const address = addressKey(request.socket.remoteAddress);
    paceMessages(socket, rates.messages, address);
    const { unreadBytes } = limits;
    const target = request.url ?? "";
    const guard = guardSocket(socket, { target, address, names, rates, unreadBytes });
    if (guard !== null) guarded.emit("connection", guard, request);
  });
  const signaling = ExpressPeerServer(server, {
    createWebSocketServer: () => guarded,
    // The server's own listener decides which origins may read a response.
    corsOptions: { origin: false },
    alive_timeout: ALIVE_TIMEOUT_MS,
    concurrent_limit: limits.signalingClients,
  });
  signaling.on("connection", (client: IClient) => {
    names.add(client.getId());
    client.getSocket()?.on("pong", () => client.setLastPing(Date.now()));
  });
  signaling.on("disconnect", (client: IClient) => names.delete(client.getId()));
  // A message that is not JSON. What a stranger sends is not worth a line in the terminal.
  signaling.on("error", () => undefined);
  const pings = setInterval(() => {
    for (const socket of socketServer.clients) socket.ping();
  }, PING_INTERVAL_MS).unref();
  // PeerServer starts when an Express app mounts it; one that is never mounted is such an app.
  const app = ExpressPeerServer(server);
  app.use(SIGNALING_PATH, signaling);
  return {
    listener: app,
    socketServer,
    close: () => {
      clearInterval(pings);
      for (const socket of socketServer.clients) socket.terminate();
    },
  };
}
