/**
 * PeerJS signaling, which introduces tabs to each other and does not see what they
 * exchange. Its WebSocket server listens on nothing; `upgrades.ts` gives it the
 * sockets of its path.
 */
import type { RequestListener, Server } from "node:http";
import { ExpressPeerServer } from "peer";
import { WebSocketServer } from "ws";

/** A page's PeerJS options are `path: SIGNALING_PATH` and the default key. */
export const SIGNALING_PATH = "/peerjs";

/** An offer with many candidates has some kilobytes. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

export type Signaling = {
  readonly listener: RequestListener;
  /** For the sockets of `/peerjs/peerjs`. */
  readonly socketServer: WebSocketServer;
};

export function createSignaling(server: Server): Signaling {
  const socketServer = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  const signaling = ExpressPeerServer(server, {
    createWebSocketServer: () => socketServer,
    // The server's own listener decides which origins may read a response.
    corsOptions: { origin: false },
  });
  signaling.on("error", (error) => console.error(`signaling: ${error.message}`));
  // PeerServer starts when an Express app mounts it; one that is never mounted is such an app.
  const app = ExpressPeerServer(server);
  app.use(SIGNALING_PATH, signaling);
  return { listener: app, socketServer };
}
