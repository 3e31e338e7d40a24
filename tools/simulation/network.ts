/**
 * The transport between tabs in virtual time, with the promises of the real one and no
 * others: each channel of a link is reliable and ordered; channels overtake each other; what
 * is on its way when a link ends is lost; a silent peer is noticed by the real heartbeat.
 *
 * A path can be cut in the network: what is sent waits, and arrives if the path heals before
 * the heartbeat gives up. New links need the signaling server.
 *
 * Over 250 lines: a transport and the network open and end links together.
 */
import {
  TransportListeners,
  MeshError,
  type ProvenBy,
  type Transport,
} from "../../src/mesh/index.ts";
import type { MemberId } from "../../src/shared/index.ts";
import { type Channel, type End, linkUp, type Node } from "./link.ts";
import type { World } from "./world.ts";

export type { Node } from "./link.ts";

/** Fast networks, with an occasional retransmission. */
const LATENCY_MS = { least: 1, most: 15, slow: 250 };
const SLOW_SHARE = 0.02;
const CONNECT_MS = { least: 30, most: 900 };
/** The signaling server reports an id that nobody holds. */
const NO_SUCH_PEER_MS = 5000;
const OFFER_RETRY_MS = 200;
const CONNECT_TIMEOUT_MS = 15_000;

export class Network {
  readonly world: World;
  readonly #nodes = new Map<MemberId, SimulatedTransport>();
  readonly #cuts = new Map<string, number>();
  readonly #noServer = new Map<MemberId, number>();
  /** Sees each control message; one for which it returns false is lost. */
  passes: (from: MemberId, to: MemberId, message: unknown) => boolean = () => true;
  /** Ends whose messages wait for a path. */
  readonly #held = new Set<End>();

  constructor(world: World) {
    this.world = world;
  }

  join(node: Node): SimulatedTransport {
    const transport = new SimulatedTransport(this, node);
    this.#nodes.set(node.id, transport);
    return transport;
  }

  remove(id: MemberId): void {
    this.#nodes.delete(id);
  }

  find(id: MemberId): SimulatedTransport | undefined {
    return this.#nodes.get(id);
  }

  /** Cuts the path of two members; cuts add up. */
  cut(a: MemberId, b: MemberId, by: 1 | -1): void {
    const pair = pairOf(a, b);
    this.#cuts.set(pair, (this.#cuts.get(pair) ?? 0) + by);
    if (by === -1) for (const end of [...this.#held]) end.flush();
  }

  cutServer(member: MemberId, by: 1 | -1): void {
    this.#noServer.set(member, (this.#noServer.get(member) ?? 0) + by);
  }

  hasPath(a: MemberId, b: MemberId): boolean {
    return (this.#cuts.get(pairOf(a, b)) ?? 0) === 0;
  }

  /** Whether no path is cut. */
  get isWhole(): boolean {
    const none = (cuts: ReadonlyMap<string, number>) => [...cuts.values()].every((by) => by === 0);
    return none(this.#cuts) && none(this.#noServer);
  }

  reachesServer(member: MemberId): boolean {
    return (this.#noServer.get(member) ?? 0) === 0;
  }

  hold(end: End): void {
    this.#held.add(end);
  }

  release(end: End): void {
    this.#held.delete(end);
  }

  latencyMs(): number {
    const { random } = this.world;
    const most = random() < SLOW_SHARE ? LATENCY_MS.slow : LATENCY_MS.most;
    return LATENCY_MS.least + random() * (most - LATENCY_MS.least);
  }
}

export class SimulatedTransport implements Transport {
  readonly self: MemberId;
  readonly node: Node;
  readonly listeners = new TransportListeners();
  readonly events: Transport["events"];
  readonly network: Network;
  readonly ends = new Map<MemberId, End>();
  readonly #connecting = new Map<MemberId, Promise<void>>();
  /** Listeners that were added and not removed. */
  subscriptions = 0;

  constructor(network: Network, node: Node) {
    this.network = network;
    this.node = node;
    this.self = node.id;
    const { onConnect, onDisconnect, onMessage, onBytes, onRefuse } = this.listeners;
    this.events = {
      onConnect: (listener) => this.#counted(onConnect(listener)),
      onDisconnect: (listener) => this.#counted(onDisconnect(listener)),
      onMessage: (listener) => this.#counted(onMessage(listener)),
      onBytes: (listener) => this.#counted(onBytes(listener)),
      onRefuse: (listener) => this.#counted(onRefuse(listener)),
    };
  }

  connect(peer: MemberId, timeoutMs = CONNECT_TIMEOUT_MS): Promise<void> {
    if (this.ends.has(peer)) return Promise.resolve();
    const running = this.#connecting.get(peer);
    if (running) return running;
    const attempt = this.#connect(peer, timeoutMs).finally(() => this.#connecting.delete(peer));
    this.#connecting.set(peer, attempt);
    return attempt;
  }

  send(peer: MemberId, message: unknown): Promise<void> {
    if (!this.network.passes(this.self, peer, message)) return Promise.resolve();
    return this.#send(peer, "control", (end) =>
      end.owner.listeners.message.emit(this.self, message),
    );
  }

  sendBytes(peer: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const copy = bytes.slice();
    return this.#send(peer, "bulk", (end) => end.owner.listeners.bytes.emit(this.self, copy));
  }

  disconnect(peer: MemberId): void {
    this.ends.get(peer)?.close({ reason: "closed_by_this_tab" }, { reason: "closed_by_peer" });
  }

  check(peer: MemberId): void {
    this.ends.get(peer)?.check();
  }

  dropSilent(peer: MemberId): boolean {
    return this.ends.get(peer)?.dropIfSilent() ?? false;
  }

  renewFrames(peer: MemberId): void {
    this.ends.get(peer)?.renewFrames();
  }

  /** Every tab has the link to the room. */
  provenBy(peer: MemberId): ProvenBy | null {
    return this.ends.has(peer) ? "secret" : null;
  }

  connectedPeers(): readonly MemberId[] {
    return [...this.ends.keys()];
  }

  close(): void {
    for (const peer of [...this.ends.keys()]) this.disconnect(peer);
    this.network.remove(this.self);
  }

  #counted(off: () => void): () => void {
    this.subscriptions += 1;
    let active = true;
    return () => {
      if (active) this.subscriptions -= 1;
      active = false;
      off();
    };
  }

  async #send(peer: MemberId, channel: Channel, act: (end: End) => void): Promise<void> {
    const end = this.ends.get(peer);
    if (end === undefined) throw new MeshError({ reason: "not_connected", peer });
    end.send(channel, act);
    await Promise.resolve();
  }

  #connect(peer: MemberId, timeoutMs: number): Promise<void> {
    const { network, node } = this;
    const { world } = network;
    return new Promise((resolve, reject) => {
      if (!network.reachesServer(this.self)) {
        reject(new MeshError({ reason: "signaling_lost" }));
        return;
      }
      let over = false;
      const settle = (act: () => void) => {
        if (over) return;
        over = true;
        cancelTimeout();
        act();
      };
      const cancelTimeout = node.clock.after(timeoutMs, () =>
        settle(() => reject(new MeshError({ reason: "connect_timeout", peer, timeoutMs }))),
      );
      const asSelf = (act: () => void) => () => world.deliver(node.actor, act);
      const delayMs = CONNECT_MS.least + world.random() ** 3 * CONNECT_MS.most;
      world.after(
        delayMs,
        asSelf(() => {
          if (over) return;
          if (this.ends.has(peer)) return settle(resolve);
          this.#offer(peer, () => !over, settle, resolve, reject);
        }),
      );
    });
  }

  /** The server keeps an offer for a while; once it is delivered, both sides try until they reach each other. */
  #offer(
    peer: MemberId,
    isOpen: () => boolean,
    settle: (act: () => void) => void,
    resolve: () => void,
    reject: (error: unknown) => void,
  ): void {
    const { network, node } = this;
    const { world } = network;
    const endMs = world.nowMs + NO_SUCH_PEER_MS;
    let isDelivered = false;
    const attempt = () => {
      if (!isOpen() || node.actor.state === "dead" || network.find(this.self) !== this) return;
      if (this.ends.has(peer)) return world.deliver(node.actor, () => settle(resolve));
      const other = network.find(peer);
      const isRegistered = other !== undefined && other.node.actor.state !== "dead";
      isDelivered ||= isRegistered && network.reachesServer(peer);
      if (!isDelivered && world.nowMs >= endMs) {
        const failure = { reason: "no_such_peer", peer } as const;
        return world.deliver(node.actor, () => settle(() => reject(new MeshError(failure))));
      }
      const isThere = isRegistered && other.node.actor.state === "running";
      const links = isDelivered && isThere && node.actor.state === "running";
      if (!links || !network.hasPath(this.self, peer))
        return void world.after(OFFER_RETRY_MS, attempt);
      linkUp(this, other);
      settle(resolve);
    };
    attempt();
  }
}

function pairOf(a: MemberId, b: MemberId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
