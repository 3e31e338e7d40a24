/** Keeps a bridge to the server open while this tab is the coordinator of its room. */
import { BridgeClient, type BridgeClientOptions } from "./bridge-client.ts";
import type { ApiRoom } from "./http/api-room.ts";

/** Returns a function that ends it. */
export function keepBridge(room: ApiRoom, options: Omit<BridgeClientOptions, "room">): () => void {
  let bridge: BridgeClient | null = null;
  const update = () => {
    const { coordinates, connection } = room.client;
    const responds = coordinates && connection === "connected";
    if (responds && !bridge) {
      const opened = new BridgeClient({ ...options, room });
      room.client.announceKey = (key) => opened.announce(key);
      bridge = opened;
    }
    bridge?.update();
    if (responds || !bridge) return;
    room.client.announceKey = null;
    bridge.close();
    bridge = null;
  };
  const unsubscribe = room.client.subscribe(update);
  update();
  return () => {
    unsubscribe();
    bridge?.close({ roomEnded: room.client.state.members.length === 1 });
    bridge = null;
  };
}
