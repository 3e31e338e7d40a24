/**
 * A real signaling server on a free port, in a thread of its own: PeerServer's
 * timers never end, so that only ending the thread ends it.
 */
import { parentPort } from "node:worker_threads";
import { PeerServer } from "peer";

/** A second instead of five: the tests of a tab that is not there wait for it. */
const expiry = { expire_timeout: 1000, cleanup_out_msgs: 100 };

PeerServer({ host: "localhost", port: 0, path: "/peerjs", ...expiry }, (server) =>
  parentPort.postMessage(server.address().port),
);
