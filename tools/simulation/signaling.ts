/**
 * The room's name at the signaling server in virtual time. A holder that falls silent without
 * closing its socket keeps the name until the server gives up on it.
 */
import { MeshError } from "../../src/mesh/index.ts";
import type { RoomRegistry } from "../../src/cluster/index.ts";
import { type MemberId, type RoomCode, sleep } from "../../src/shared/index.ts";
import type { Network, Node } from "./network.ts";

const LATENCY_MS = 40;
/** A public server gives up on a silent socket; ours after 15 s. */
const HELD_MS = 90_000;
const NOT_FOUND_MS = 5000;
const LOOK_UP_TIMEOUT_MS = 15_000;
const OPEN_TIMEOUT_MS = 10_000;
const RETRY_MS = 500;
/** How often a holder that can be reached is seen. */
const SEEN_MS = 5000;

export class NameServer {
  readonly #network: Network;
  readonly #code: RoomCode;
  #holder: { readonly node: Node; isOpen: boolean; expiry: () => void } | null = null;

  constructor(network: Network, code: RoomCode) {
    this.#network = network;
    this.#code = code;
  }

  get holder(): MemberId | null {
    return this.#holder?.node.id ?? null;
  }

  /** The operating system closes a killed tab's sockets. */
  socketClosed(id: MemberId): void {
    if (this.holder !== id || !this.#network.reachesServer(id)) return;
    this.#holder?.expiry();
    this.#holder = null;
  }

  registryOf(node: Node): RoomRegistry {
    const { id } = node;
    return {
      lookUp: async (timeoutMs = LOOK_UP_TIMEOUT_MS) => {
        await this.#reach(node);
        const holder = this.#holder;
        if (!holder) {
          await sleep(node.clock, Math.min(NOT_FOUND_MS, timeoutMs));
          if (timeoutMs < NOT_FOUND_MS)
            throw new MeshError({ reason: "room_timeout", code: this.#code });
          return null;
        }
        if (holder.isOpen && this.#isThere(holder.node)) return holder.node.id;
        await sleep(node.clock, timeoutMs);
        throw new MeshError({ reason: "room_timeout", code: this.#code });
      },
      claim: async () => {
        await this.#reach(node);
        if (!this.#holder) this.#hold(node);
        return this.#holder?.node === node && this.#holder.isOpen;
      },
      reachesServer: () =>
        this.#reach(node).then(
          () => true,
          () => false,
        ),
      release: () => {
        if (this.#holder?.node !== node) return;
        // A server that cannot be reached notices the closed socket as late as a silent one.
        this.#holder.isOpen = false;
        this.socketClosed(id);
      },
    };
  }

  #isThere({ id, actor }: Node): boolean {
    return actor.state === "running" && this.#network.reachesServer(id);
  }

  async #reach(node: Node): Promise<void> {
    // TCP repeats the first packet of a connection.
    for (let waitedMs = 0; !this.#network.reachesServer(node.id); waitedMs += RETRY_MS) {
      if (waitedMs >= OPEN_TIMEOUT_MS) {
        throw new MeshError({ reason: "signaling_timeout", url: "http://simulated" });
      }
      await sleep(node.clock, RETRY_MS);
    }
    await sleep(node.clock, LATENCY_MS);
    if (!this.#network.reachesServer(node.id)) {
      throw new MeshError({ reason: "signaling_unreachable", url: "http://simulated" });
    }
  }

  #hold(node: Node): void {
    const { world } = this.#network;
    const holder = { node, isOpen: true, expiry: () => undefined as void };
    let seenMs = world.nowMs;
    const look = () => {
      const isSeen = holder.isOpen && this.#isThere(node);
      if (isSeen) seenMs = world.nowMs;
      if (world.nowMs - seenMs >= HELD_MS && this.#holder === holder) this.#holder = null;
      else holder.expiry = world.after(SEEN_MS, look);
    };
    holder.expiry = world.after(SEEN_MS, look);
    this.#holder = holder;
  }
}
