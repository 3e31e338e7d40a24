/**
 * One connection to one peer, over PeerJS's RTCPeerConnection, with three channels
 * beside PeerJS's own:
 *
 *   control   JSON: the handshake, heartbeats, and the messages of the room
 *   bulk      bytes of model files
 *   frames    transferred to the GPU worker at once, and opened there after the handshake
 *
 * All are `negotiated` with fixed ids and are created right after `connect` or in
 * the `connection` event: only then can Chromium and Firefox transfer them. Knows
 * no other peers.
 *
 * A frames channel that closes while the connection lives is replaced by one with the next id. Both
 * sides create it: the one that wants it says which, and the other follows.
 *
 * Over 250 lines: a connection, its proof, and its two channels open, fail, and close together.
 */
import type { DataConnection } from "peerjs";
import {
  type Clock,
  detailOf,
  type MemberId,
  type CloseFailure,
  parseUntrusted,
} from "../shared/index.ts";
import type { Admission, ProvenBy } from "./admission.ts";
import { Control, MAX_CONTROL_BYTES, MAX_UNREAD_CONTROL_BYTES, readControl } from "./control.ts";
import { fingerprintsOf } from "./fingerprints.ts";
import { ChannelFramePort } from "./frame-port.ts";
import { type Handshake, openHandshake } from "./handshake.ts";
import { Heartbeat, HEARTBEAT_MS } from "./heartbeat.ts";
import type { FramePort } from "./transport.ts";

/** The browser gives PeerJS's own channel id 0 or 1, so these do not collide with it. */
const CHANNEL_IDS = { control: 10, bulk: 11, frames: 12 } as const;
/** A connection that needs more frames channels than this is broken: another one takes its place. */
export const MAX_FRAME_CHANNELS = 32;

/** Readers request at most 8 MiB at a time. */
const MAX_BULK_BYTES = 12 * 1024 * 1024;
/** The last message is sent within this time; then the connection is closed. */
const LINGER_MS = 200;

export type PeerLinkOptions = {
  readonly self: MemberId;
  readonly protocol: number;
  readonly admission: Admission;
  /** For heartbeats. */
  readonly clock: Clock;
  /** Returns what opens the channel to frames, called once the handshake has succeeded. */
  onFrameChannel(peer: MemberId, channel: RTCDataChannel): () => void;
  /** The handshake succeeded. */
  onReady(link: PeerLink): void;
  /** Called once, unless `discard` was called. */
  onGone(link: PeerLink, cause: CloseFailure): void;
  onMessage(link: PeerLink, message: unknown): void;
  onBytes(link: PeerLink, bytes: Uint8Array<ArrayBuffer>): void;
};

const encoder = new TextEncoder();

export class PeerLink {
  readonly peer: MemberId;
  readonly outgoing: boolean;
  readonly #connection: DataConnection;
  readonly #options: PeerLinkOptions;
  readonly #control: FramePort;
  readonly #bulk: FramePort;
  #openFrames: () => void;
  /** The frames channels that there have been before this one. */
  #framesRenewed = 0;
  /** Nothing has been heard since `check`. */
  #checking = false;
  readonly #heartbeat = new Heartbeat();
  readonly #handshake: Handshake;
  #cancelBeat = () => undefined as void;
  #state: "shaking_hands" | "ready" | "gone" = "shaking_hands";
  #provenBy: ProvenBy | null = null;

  constructor(
    connection: DataConnection,
    peer: MemberId,
    outgoing: boolean,
    options: PeerLinkOptions,
  ) {
    this.#connection = connection;
    this.peer = peer;
    this.outgoing = outgoing;
    this.#options = options;
    this.#handshake = openHandshake({
      ...options,
      peer,
      role: outgoing ? "caller" : "callee",
      fingerprints: () => fingerprintsOf(connection.peerConnection),
      tell: (message) => this.#tell(message),
      onProven: (provenBy) => this.#becomeReady(provenBy),
      onRefused: (failure) => this.close(failure),
    });
    this.#openFrames = this.#createFrames();
    const control = this.#channel("control");
    control.addEventListener("open", () => this.#handshake.start());
    this.#control = new ChannelFramePort(
      peer,
      control,
      MAX_CONTROL_BYTES,
      MAX_UNREAD_CONTROL_BYTES,
    );
    this.#bulk = new ChannelFramePort(peer, this.#channel("bulk"), MAX_BULK_BYTES);
    this.#control.onFrame = (bytes) => this.#receive(bytes);
    this.#control.onClose = this.#bulk.onClose = (cause) => this.drop(cause);
    connection.on("close", () => this.drop({ reason: "closed_by_peer" }));
    connection.on("error", (error) =>
      this.drop({ reason: "connection_failed", peer, detail: detailOf(error) }),
    );
  }

  get ready(): boolean {
    return this.#state === "ready";
  }
  /** How the peer proved that it may be here; null until it has. Kept after the link is gone. */
  get provenBy(): ProvenBy | null {
    return this.#provenBy;
  }

  /** Resolves when the buffer has space. */
  send(body: unknown): Promise<void> {
    return this.#control.send(encode({ type: "message", body }));
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#bulk.send(bytes);
  }

  /** Replaces the frames channel, on both sides. */
  renewFrames(): void {
    if (this.ready) this.#renewFrames(this.#framesRenewed + 1);
  }

  /** Asks a peer that seems to be silent whether it is there. */
  check(): void {
    this.#checking = true;
    this.#tell({ type: "ping" });
  }

  /** Whether the peer has sent nothing since it was checked. */
  get silent(): boolean {
    return this.#checking;
  }

  /** The peer is gone, or taken for lost. */
  drop(cause: CloseFailure): void {
    if (this.#state === "gone") return;
    this.#finish(0);
    this.#options.onGone(this, cause);
  }

  /** Tells the peer, then closes. `onGone` is called immediately. */
  close(cause: CloseFailure, causeForPeer = cause): void {
    if (this.#state === "gone") return;
    this.#tell({ type: "bye", failure: causeForPeer });
    this.#finish(LINGER_MS);
    this.#options.onGone(this, cause);
  }

  /** Closes without telling anybody: another connection has replaced this one. */
  discard(): void {
    this.#finish(0);
  }

  #createFrames(): () => void {
    return this.#options.onFrameChannel(this.peer, this.#channel("frames", this.#framesRenewed));
  }

  #renewFrames(count: number): void {
    if (count >= MAX_FRAME_CHANNELS)
      return this.close({ reason: "channel_failed", detail: `${count} frames channels closed` });
    this.#framesRenewed = count;
    this.#openFrames = this.#createFrames();
    this.#openFrames(); // the connection is proven
    this.#tell({ type: "frames", renewed: count });
  }

  #channel(name: keyof typeof CHANNEL_IDS, further = 0): RTCDataChannel {
    const fixed = { negotiated: true, id: CHANNEL_IDS[name] + further };
    return this.#connection.peerConnection.createDataChannel(`tabmesh-${name}`, fixed);
  }

  #tell(message: Control): void {
    // A closed channel reports its end by `onClose`.
    this.#control.send(encode(message)).catch(() => undefined);
  }

  #receive(bytes: Uint8Array): void {
    if (this.#state === "gone") return;
    this.#heartbeat.heard();
    this.#checking = false;
    const isProven = this.#state !== "shaking_hands";
    const message = readControl(bytes, isProven);
    if (!isProven) return this.#shakeHands(message);
    const control = parseUntrusted(Control, message);
    if (!control.success) return this.#violated("an unknown control message");
    switch (control.data.type) {
      case "ping":
        return this.#tell({ type: "pong" });
      case "bye":
        return this.drop(control.data.failure);
      case "frames":
        // Both may have begun: they then mean the same channel.
        if (control.data.renewed > this.#framesRenewed) this.#renewFrames(control.data.renewed);
        return;
      case "message":
        return this.#options.onMessage(this, control.data.body);
    }
  }

  #shakeHands(message: unknown): void {
    const control = parseUntrusted(Control, message).data;
    if (control?.type === "bye") return this.drop(control.failure);
    this.#handshake.receive(message);
  }

  #becomeReady(provenBy: ProvenBy): void {
    this.#state = "ready";
    this.#provenBy = provenBy;
    this.#scheduleBeat();
    this.#openFrames(); // before anybody learns that the peer is connected
    this.#options.onReady(this);
    // Set last: bytes that overtook the welcome have waited in the port.
    this.#bulk.onFrame = (bytes) => {
      this.#heartbeat.heard();
      if (this.#state === "ready") this.#options.onBytes(this, bytes);
    };
  }

  #scheduleBeat(): void {
    this.#cancelBeat = this.#options.clock.after(HEARTBEAT_MS, () => this.#beat());
  }

  #beat(): void {
    const inDoubt = this.#connection.peerConnection.iceConnectionState === "disconnected";
    if (this.#heartbeat.tick(inDoubt) === "dead")
      return this.drop({ reason: "peer_silent", peer: this.peer });
    this.#tell({ type: "ping" });
    this.#scheduleBeat();
  }

  #violated(detail: string): void {
    this.close({ reason: "protocol_violation", peer: this.peer, detail });
  }

  #finish(delayMs: number): void {
    this.#state = "gone";
    this.#cancelBeat();
    const close = () => {
      this.#connection.close();
      this.#connection.peerConnection?.close(); // PeerJS clears it when it closes by itself
    };
    if (delayMs === 0) close();
    else setTimeout(close, delayMs);
  }
}

function encode(message: Control): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(message));
}
