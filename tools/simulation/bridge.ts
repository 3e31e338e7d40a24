/**
 * The bridge of each coordinator to the server, in virtual time: claims, replacements, and refusals by the
 * server's own rules; no HTTP requests, and no signatures, which every member could make.
 */
import { termRefusal } from "../../server/room-claims.ts";
import type { RoomClient } from "../../src/cluster/index.ts";
import type { MemberId, RoomCode } from "../../src/shared/index.ts";
import type { Network, Node } from "./network.ts";

/** One way. */
const LATENCY_MS = 20;
/** As in `src/api/bridge-client.ts`. */
const RETRY_MS = { first: 500, last: 10_000 };
/** The server closes a socket that answers no ping. */
const SILENT_MS = 20_000;
const LOOK_MS = 2000;

type Socket = { readonly node: Node; readonly refuse: (epoch: number, by: MemberId) => void };

export class BridgeServer {
  readonly #network: Network;
  readonly #room: RoomCode;
  #last: { epoch: number; member: MemberId; releasedAtMs: number | null } | null = null;
  #socket: Socket | null = null;
  /** When one coordinator took the place of another that was connected. */
  readonly replacedMs: number[] = [];

  constructor(network: Network, room: RoomCode) {
    this.#network = network;
    this.#room = room;
  }

  /** Whose socket is open and can be reached. */
  get holder(): MemberId | null {
    return this.#socket?.node.id ?? null;
  }

  /** A tab has joined: while it coordinates, it keeps a bridge. */
  keep(node: Node, client: RoomClient): void {
    const page = new Page(node, client, this.#network, this);
    client.subscribe(() => page.update());
    page.update();
  }

  holds(node: Node): boolean {
    return this.#socket?.node === node;
  }

  /** The socket of a tab that was killed, or that closes it. */
  closed(node: Node): void {
    if (this.#socket?.node !== node || !this.#network.reachesServer(node.id)) return;
    this.#socket = null;
    if (this.#last) this.#last.releasedAtMs = this.#network.world.nowMs;
  }

  claim(epoch: number, socket: Socket) {
    const member = socket.node.id;
    const refusal = this.#last && termRefusal(this.#last, { room: this.#room, epoch, member });
    if (refusal) return refusal;
    const older = this.#socket;
    this.#last = { epoch, member, releasedAtMs: null };
    this.#socket = socket;
    if (older !== null && older.node !== socket.node) {
      this.replacedMs.push(this.#network.world.nowMs);
      older.refuse(epoch, member);
    }
    this.#watch(socket, this.#network.world.nowMs);
    return null;
  }

  #watch(socket: Socket, seenMs: number): void {
    const { world } = this.#network;
    world.after(SILENT_MS / 4, () => {
      if (this.#socket !== socket) return;
      const { id, actor } = socket.node;
      const isThere = actor.state === "running" && this.#network.reachesServer(id);
      if (isThere) return this.#watch(socket, world.nowMs);
      if (world.nowMs - seenMs < SILENT_MS) return this.#watch(socket, seenMs);
      this.#socket = null;
      if (this.#last) this.#last.releasedAtMs = world.nowMs;
    });
  }
}

/** One tab's end. */
class Page {
  readonly #node: Node;
  readonly #client: RoomClient;
  readonly #network: Network;
  readonly #server: BridgeServer;
  #active = false;
  #cancel: () => void = () => undefined;
  #retryMs = RETRY_MS.first;
  #claimedEpoch = 0;

  constructor(node: Node, client: RoomClient, network: Network, server: BridgeServer) {
    this.#node = node;
    this.#client = client;
    this.#network = network;
    this.#server = server;
  }

  update(): void {
    const responds = this.#client.coordinates && this.#client.connection === "connected";
    if (responds && this.#active) return this.#claimAgain();
    if (responds === this.#active) return;
    if (!responds) return this.stop();
    this.#active = true;
    this.#retryMs = RETRY_MS.first;
    this.#connect();
  }

  stop(): void {
    this.#active = false;
    this.#cancel();
    this.#server.closed(this.#node);
  }

  #connect(): void {
    const { clock } = this.#node;
    this.#cancel = clock.after(3 * LATENCY_MS, () => {
      if (!this.#network.reachesServer(this.#node.id)) return this.#retry();
      const refuse = (epoch: number, by: MemberId) => this.#refused(epoch, by, true);
      const refusal = this.#claim({ node: this.#node, refuse });
      if (refusal === null) this.#accepted();
      else if (refusal.reason === "epoch_passed")
        this.#refused(refusal.last, refusal.by, refusal.held);
      else this.#retry();
    });
  }

  /** A page that is ahead claims each epoch in turn. */
  #claim(socket: Socket) {
    const own = this.#client.state.epoch;
    let refusal = this.#server.claim(own, socket);
    while (refusal?.reason === "epoch_too_high") {
      const { highest } = refusal;
      refusal = this.#server.claim(highest, socket);
      if (refusal === null && highest < own) refusal = this.#server.claim(own, socket);
    }
    this.#claimedEpoch = own;
    return refusal;
  }

  /** In a later epoch, on the open socket. */
  #claimAgain(): void {
    const isOpen = this.#server.holds(this.#node) && this.#network.reachesServer(this.#node.id);
    if (!isOpen || this.#claimedEpoch === this.#client.state.epoch) return;
    this.#claim({ node: this.#node, refuse: (epoch, by) => this.#refused(epoch, by, true) });
  }

  /** The server may have closed the socket of a tab that was frozen or cut off. */
  #accepted(): void {
    this.#retryMs = RETRY_MS.first;
    this.#cancel = this.#node.clock.after(LOOK_MS, () => {
      if (this.#server.holds(this.#node)) this.#accepted();
      else this.#connect();
    });
  }

  #refused(epoch: number, by: MemberId, isHeld: boolean): void {
    this.#network.world.after(LATENCY_MS, () =>
      this.#network.world.deliver(this.#node.actor, () => {
        if (!this.#active || !this.#network.reachesServer(this.#node.id)) return;
        this.#cancel();
        this.#retry();
        this.#client.outranked(epoch, by, isHeld);
      }),
    );
  }

  #retry(): void {
    this.#cancel = this.#node.clock.after(this.#retryMs, () => this.#connect());
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS.last);
  }
}
