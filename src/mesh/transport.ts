/**
 * What the modules above need of the mesh: who is connected, and three kinds of
 * traffic. Control messages are few and JSON; bulk bytes are parts of model files;
 * frames are binary and travel on a channel of their own, which a worker owns.
 */
import type { MemberId, CloseFailure } from "../shared/index.ts";
import type { ProvenBy } from "./admission.ts";

/** Control traffic of one tab: small JSON values, ordered and reliable per peer. */
export type Transport = {
  readonly self: MemberId;
  /** Connects, or resolves at once if connected. Rejects with a `MeshError`. */
  connect(peer: MemberId): Promise<void>;
  /** Resolves when the buffer has space, so that a slow peer slows its sender. */
  send(peer: MemberId, message: unknown): Promise<void>;
  /** The same for bulk bytes. Control messages do not wait for them. */
  sendBytes(peer: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  disconnect(peer: MemberId): void;
  /** Asks a peer that seems to be silent whether it is there. */
  check(peer: MemberId): void;
  /** Ends the connection to a peer that has sent nothing since it was checked. False if it has, or is not connected. */
  dropSilent(peer: MemberId): boolean;
  /** How a connected peer proved that it may be here: every connection is proven first. */
  provenBy(peer: MemberId): ProvenBy | null;
  connectedPeers(): readonly MemberId[];
  readonly events: TransportEvents;
  close(): void;
};

/** A set of listeners. */
export class Listeners<Arguments extends unknown[]> {
  readonly #listeners = new Set<(...values: Arguments) => void>();

  /** Returns the function that removes the listener. */
  readonly add = (listener: (...values: Arguments) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  emit(...values: Arguments): void {
    for (const listener of [...this.#listeners]) listener(...values);
  }
}

/** The events of a transport. */
export class TransportListeners {
  readonly connect = new Listeners<[peer: MemberId]>();
  readonly disconnect = new Listeners<[peer: MemberId, cause: CloseFailure]>();
  readonly refuse = new Listeners<[peer: MemberId, cause: CloseFailure]>();
  readonly message = new Listeners<[peer: MemberId, message: unknown]>();
  readonly bytes = new Listeners<[peer: MemberId, bytes: Uint8Array<ArrayBuffer>]>();
  readonly onConnect = this.connect.add;
  readonly onDisconnect = this.disconnect.add;
  /** A peer that called did not get through the handshake. */
  readonly onRefuse = this.refuse.add;
  /** The message is unchecked: the listener parses it with zod, once. */
  readonly onMessage = this.message.add;
  readonly onBytes = this.bytes.add;
}

/** Each adds a listener, and returns a function that removes it. */
export type TransportEvents = Pick<
  TransportListeners,
  "onConnect" | "onDisconnect" | "onRefuse" | "onMessage" | "onBytes"
>;

/** The frame channel to one peer, as the stage in the worker uses it. */
export type FramePort = {
  readonly peer: MemberId;
  /** Resolves when the channel has accepted the frame and has space for more. */
  send(frame: Uint8Array<ArrayBuffer>): Promise<void>;
  onFrame: ((frame: Uint8Array<ArrayBuffer>) => void) | null;
  onClose: ((cause: CloseFailure) => void) | null;
  close(): void;
};
