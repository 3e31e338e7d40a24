/**
 * PeerJS signalling, mounted into our app: it introduces tabs to each other and
 * then has no part in what they say. Its WebSocket server listens on nothing;
 * `upgrades.ts` hands it the sockets of its path.
 */
import type { Server } from "node:http";
import { WebSocketServer } from "ws";
import type { Express } from "express";
import { ExpressPeerServer } from "peer";

/** A page's PeerJS options are `path: SIGNALLING_PATH` and the default key. */
export const SIGNALLING_PATH = "/peerjs";

/** Mounts signalling in `app`; returns the WebSocket server of `/peerjs/peerjs`. */
export function mountSignalling(app: Express, server: Server): WebSocketServer {
  const socketServer = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });
  const signalling = ExpressPeerServer(server, {
    createWebSocketServer: () => socketServer,
  });
  signalling.on("error", (error) => console.error(`signalling: ${error.message}`));
  app.use(SIGNALLING_PATH, signalling);
  return socketServer;
}
