/**
 * Sends control messages to many peers without waiting for any of them. The transport
 * reports a peer that cannot be reached as a disconnect.
 */
import type { Transport } from "../../mesh/index.ts";
import type { MemberId } from "../../shared/index.ts";
import type { ClusterMessage } from "./messages.ts";

export function post(transport: Transport, peer: MemberId, message: ClusterMessage): void {
  // A send fails only if the connection is gone, which `onDisconnect` reports.
  transport.send(peer, message).catch(() => transport.disconnect(peer));
}
