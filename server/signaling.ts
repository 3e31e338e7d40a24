/**
 * PeerJS signaling, mounted into our app: it introduces tabs to each other and
 * then has no part in what they say. Its WebSocket server listens on nothing;
 * `upgrades.ts` hands it the sockets of its path.
 */
import type { Server } from "node:http";
import { WebSocketServer } from "ws";
import type { Express } from "express";
import { ExpressPeerServer } from "peer";

/** A page's PeerJS options are `path: SIGNALING_PATH` and the default key. */
export const SIGNALING_PATH = "/peerjs";

/** Mounts signaling in `app`; returns the WebSocket server of `/peerjs/peerjs`. */
export function mountSignaling(app: Express, server: Server): WebSocketServer {
  const socketServer = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });
  const signaling = ExpressPeerServer(server, {
    createWebSocketServer: () => socketServer,
  });
  signaling.on("error", (error) => console.error(`signaling: ${error.message}`));
  app.use(SIGNALING_PATH, signaling);
  return socketServer;
}
