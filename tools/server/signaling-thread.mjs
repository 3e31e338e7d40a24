/**
 * A real signaling server on a free port, in a thread of its own: PeerServer's
 * timers never end, so that only ending the thread ends it.
 */
import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";
import express from "express";
import { ExpressPeerServer } from "peer";

const app = express();
const server = createServer(app);
app.use("/peerjs", ExpressPeerServer(server, { path: "/" }));
server.listen(0, "localhost", () => parentPort.postMessage(server.address().port));
