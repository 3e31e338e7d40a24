/**
 * Sends control messages to many peers without waiting for any: a peer that
 * cannot be reached is the transport's to report, as a disconnect.
 */
import type { Transport } from "../../mesh/index.ts";
import type { MemberId } from "../../shared/index.ts";
import type { ClusterMessage } from "./messages.ts";

export function post(transport: Transport, peer: MemberId, message: ClusterMessage): void {
  // A send fails only when the connection is gone; `onDisconnect` tells of that.
  transport.send(peer, message).catch(() => transport.disconnect(peer));
}
