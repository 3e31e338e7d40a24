/**
 * One connection to one peer, over PeerJS's own RTCPeerConnection, with three
 * channels beside PeerJS's:
 *
 *   control   JSON: the handshake, heartbeats, and the messages of the room
 *   bulk      bytes of model files
 *   frames    handed out at once, to be transferred to the GPU worker
 *
 * All are `negotiated` with fixed ids, made right after `connect` or in the
 * `connection` event: only then can a channel still be transferred, and it works
 * so in Chromium and Firefox. Knows nothing of other peers.
 */
import type { DataConnection } from "peerjs";
import { z } from "zod";
import type { MemberId } from "../shared/ids.ts";
import { MeshError } from "./errors.ts";
import { framePort } from "./frame-port.ts";
import { Hello, judgeHello } from "./handshake.ts";
import { Heartbeat, HEARTBEAT_MS } from "./heartbeat.ts";
import type { FramePort } from "./types.ts";

/** PeerJS's own channel gets 0 or 1 from the browser; these stay clear of it. */
const CHANNEL_IDS = { control: 10, bulk: 11, frames: 12 } as const;

/** A snapshot of a large room's log is below 1 MB. */
const MAX_CONTROL_BYTES = 8 * 1024 * 1024;
/** Readers ask for at most 4 MiB at a time. */
const MAX_BULK_BYTES = 8 * 1024 * 1024;
/** A last word needs this long to leave before the connection is torn down. */
const FAREWELL_MS = 200;

const Control = z.discriminatedUnion("type", [
  Hello,
  z.strictObject({ type: z.enum(["welcome", "ping", "pong"]) }),
  z.strictObject({ type: z.literal("bye"), reason: z.string().max(1000) }),
  z.strictObject({ type: z.literal("message"), body: z.unknown() }),
]);
type Control = z.infer<typeof Control>;

export type PeerLinkOptions = {
  readonly self: MemberId;
  readonly protocol: number;
  onFrameChannel(peer: MemberId, channel: RTCDataChannel): void;
  /** The handshake went well. */
  onReady(link: PeerLink): void;
  /** Once, in words, unless `discard` was called. */
  onGone(link: PeerLink, error: MeshError): void;
  onMessage(link: PeerLink, message: unknown): void;
  onBytes(link: PeerLink, bytes: Uint8Array<ArrayBuffer>): void;
};

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

export class PeerLink {
  readonly peer: MemberId;
  readonly outgoing: boolean;
  private readonly connection: DataConnection;
  private readonly options: PeerLinkOptions;
  private readonly control: FramePort;
  private readonly bulk: FramePort;
  private readonly heartbeat = new Heartbeat();
  private timer: ReturnType<typeof setInterval> | undefined;
  private state: "shaking_hands" | "ready" | "gone" = "shaking_hands";
  private acceptedHello = false;

  constructor(
    connection: DataConnection,
    peer: MemberId,
    outgoing: boolean,
    options: PeerLinkOptions,
  ) {
    this.connection = connection;
    this.peer = peer;
    this.outgoing = outgoing;
    this.options = options;
    options.onFrameChannel(peer, this.channel("frames"));
    this.control = framePort(peer, this.channel("control"), { maxFrameBytes: MAX_CONTROL_BYTES });
    this.bulk = framePort(peer, this.channel("bulk"), { maxFrameBytes: MAX_BULK_BYTES });
    this.control.onFrame = (bytes) => this.take(bytes);
    this.control.onClose = this.bulk.onClose = (reason) => this.gone("closed", reason);
    connection.on("close", () => this.gone("closed", "the other side closed"));
    connection.on("error", (error) => this.gone("unreachable", error.message));
    this.tell({ type: "hello", protocol: options.protocol, member: options.self });
  }

  get ready(): boolean {
    return this.state === "ready";
  }
  /** Still true when a link that was ready is gone. */
  get wasReady(): boolean {
    return this.timer !== undefined;
  }

  /** Resolves when there is room for more. */
  send(body: unknown): Promise<void> {
    return this.control.send(encodeControl({ type: "message", body }));
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.bulk.send(bytes);
  }

  /** Says goodbye, then closes; `onGone` is called now. */
  close(reason: string, kind: MeshError["reason"] = "closed"): void {
    if (this.state === "gone") return;
    this.tell({ type: "bye", reason });
    this.finish(FAREWELL_MS);
    this.options.onGone(this, new MeshError(kind, reason));
  }

  /** Closes without a word to anyone: another connection has taken its place. */
  discard(): void {
    this.finish(0);
  }

  private channel(name: keyof typeof CHANNEL_IDS): RTCDataChannel {
    const fixed = { negotiated: true, id: CHANNEL_IDS[name] };
    return this.connection.peerConnection.createDataChannel(`tabmesh-${name}`, fixed);
  }

  private tell(message: Control): void {
    // A channel that is closed says so itself.
    this.control.send(encodeControl(message)).catch(() => undefined);
  }

  private take(bytes: Uint8Array): void {
    if (this.state === "gone") return;
    this.heartbeat.heard();
    const message = parseJson(bytes);
    if (this.state === "shaking_hands") return this.shakeHands(message);
    const control = Control.safeParse(message);
    if (!control.success) return this.close(`${this.peer} sent a message that no tab sends`);
    switch (control.data.type) {
      case "ping":
        return this.tell({ type: "pong" });
      case "bye":
        return this.gone("closed", control.data.reason);
      case "message":
        return this.options.onMessage(this, control.data.body);
    }
  }

  private shakeHands(message: unknown): void {
    const bye = Control.safeParse(message);
    if (bye.data?.type === "bye") return this.gone("refused", bye.data.reason);
    if (this.acceptedHello) {
      if (bye.data?.type !== "welcome")
        return this.close(`${this.peer} went on before it was connected`);
      return this.becomeReady();
    }
    const { protocol } = this.options;
    const result = judgeHello(message, protocol, this.peer);
    if (result.kind === "refused") return this.close(result.reason, "refused");
    this.acceptedHello = true;
    // The caller waits for the welcome: when `connect` resolves, the other side can send too.
    if (this.outgoing) return;
    this.tell({ type: "welcome" });
    this.becomeReady();
  }

  private becomeReady(): void {
    this.state = "ready";
    this.timer = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.options.onReady(this);
    // Only now: bytes that overtook the welcome have waited in the port.
    this.bulk.onFrame = (bytes) => this.takeBytes(bytes);
  }

  private takeBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.heartbeat.heard();
    if (this.state === "ready") this.options.onBytes(this, bytes);
  }

  private beat(): void {
    const inDoubt = this.connection.peerConnection.iceConnectionState === "disconnected";
    if (this.heartbeat.tick(inDoubt) === "ping") this.tell({ type: "ping" });
    else this.gone("closed", `${this.peer} does not answer any more`);
  }

  private gone(kind: MeshError["reason"], reason: string): void {
    if (this.state === "gone") return;
    this.finish(0);
    this.options.onGone(this, new MeshError(kind, reason));
  }

  private finish(delayMs: number): void {
    this.state = "gone";
    clearInterval(this.timer);
    const close = () => {
      this.connection.close();
      this.connection.peerConnection?.close(); // PeerJS drops it when it closes by itself
    };
    if (delayMs === 0) close();
    else setTimeout(close, delayMs);
  }
}

function encodeControl(message: Control): Uint8Array<ArrayBuffer> {
  return utf8.encode(JSON.stringify(message));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text.decode(bytes));
  } catch {
    return undefined; // which no schema accepts, so that the peer is told off there
  }
}
