/**
 * A real signaling server on a free port, in a thread of its own: PeerServer's
 * timers never end, so that only ending the thread ends it.
 */
import { parentPort } from "node:worker_threads";
import { PeerServer } from "peer";

PeerServer({ host: "localhost", port: 0, path: "/peerjs" }, (server) =>
  parentPort.postMessage(server.address().port),
);
