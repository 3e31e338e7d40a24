/** Holds the bridge to the server exactly while this tab coordinates its room. */
import { BridgeClient, type BridgeClientOptions } from "./bridge-client.ts";
import type { HttpRoom } from "./http/message.ts";

/** Returns how to stop it. */
export function keepBridge(room: HttpRoom, options: Omit<BridgeClientOptions, "room">): () => void {
  let bridge: BridgeClient | null = null;
  const look = () => {
    const { coordinates, connection } = room.client;
    const answers = coordinates && connection === "connected";
    if (answers && !bridge) bridge = new BridgeClient({ ...options, room });
    if (answers || !bridge) return;
    bridge.close();
    bridge = null;
  };
  const off = room.client.subscribe(look);
  look();
  return () => {
    off();
    bridge?.close();
    bridge = null;
  };
}
