/**
 * Bytes between members, seen from above: who is connected, and two kinds of
 * traffic. Control messages are JSON and few; frames are binary, many, and
 * travel on a channel of their own that a worker owns.
 */
import type { MemberId } from "../shared/ids.ts";

/** Control traffic of one tab: small JSON values, ordered and reliable per peer. */
export type Transport = {
  readonly self: MemberId;
  /** Connects, or resolves at once when connected. Rejects with a `MeshError` in words. */
  connect(peer: MemberId, timeoutMs?: number): Promise<void>;
  /** Resolves when there is room for more, so that a slow peer slows its sender. */
  send(peer: MemberId, message: unknown): Promise<void>;
  /** The same for bulk bytes, on a channel of their own: control traffic does not wait for them. */
  sendBytes(peer: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  disconnect(peer: MemberId): void;
  connectedPeers(): readonly MemberId[];
  readonly events: TransportEvents;
  close(): void;
};

/** Each returns a function that takes the listener off again. */
export type TransportEvents = {
  readonly onConnect: (listener: (peer: MemberId) => void) => () => void;
  /** The reason is in words. */
  readonly onDisconnect: (listener: (peer: MemberId, reason: string) => void) => () => void;
  /** `message` is unparsed: whoever takes it parses it with zod, once. */
  readonly onMessage: (listener: (peer: MemberId, message: unknown) => void) => () => void;
  readonly onBytes: (
    listener: (peer: MemberId, bytes: Uint8Array<ArrayBuffer>) => void,
  ) => () => void;
};

/** Where tabs find each other: a PeerServer. */
export type SignallingServer = {
  readonly host: string;
  readonly port: number;
  readonly path: string; // where the server is mounted: "/peerjs"
  readonly secure: boolean;
};

/**
 * The frame channel between this tab and one peer, for one direction or both,
 * as the stage in the worker sees it. Made from an RTCDataChannel.
 */
export type FramePort = {
  readonly peer: MemberId;
  /** Resolves when the channel took the frame and has room for more. Slices large frames. */
  send(frame: Uint8Array<ArrayBuffer>): Promise<void>;
  onFrame: ((frame: Uint8Array<ArrayBuffer>) => void) | null;
  onClose: ((reason: string) => void) | null;
  close(): void;
};
