/**
 * This tab at the signalling server: a PeerJS `Peer` that stays registered. When
 * the network was lost it registers again by itself; connections between tabs
 * do not depend on it once they stand.
 */
import { Peer, type PeerError } from "peerjs";
import { MeshError } from "./errors.ts";
import { Listeners } from "./listeners.ts";
import type { SignallingServer } from "./types.ts";

export type PeerOptions = {
  readonly server: SignallingServer;
  /** STUN and TURN; none are needed on one network. */
  readonly iceServers?: readonly RTCIceServer[];
};

/** A server on this machine or network answers in milliseconds; the public one takes seconds. */
const OPEN_TIMEOUT_MS = 10_000;
/** Between attempts to register again: soon at first, then bearable for the server. */
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/** The server at the page's own origin, where ours is mounted. */
export function serverOfPage(
  location: Pick<Location, "protocol" | "hostname" | "port">,
  path = "/peerjs",
): SignallingServer {
  const secure = location.protocol === "https:";
  const port = location.port === "" ? (secure ? 443 : 80) : Number(location.port);
  return { host: location.hostname, port, path, secure };
}

/** Registers as `id`. Rejects with a `MeshError`: `taken`, or `signalling` when there is no server. */
export function openPeer(id: string, { server, iceServers = [] }: PeerOptions): Promise<Peer> {
  const config: RTCConfiguration = { iceServers: [...iceServers] };
  // Errors come as events and are told in words; PeerJS need not print them too.
  const peer = new Peer(id, { ...server, config, debug: 0 });
  const where = `${server.secure ? "https" : "http"}://${server.host}:${server.port}${server.path}`;
  return new Promise((resolve, reject) => {
    const fail = (error: MeshError) => {
      clearTimeout(timeout);
      peer.destroy();
      reject(error);
    };
    const timeout = setTimeout(() => {
      const message = `The signalling server at ${where} did not answer. Is it running?`;
      fail(new MeshError("signalling", message));
    }, OPEN_TIMEOUT_MS);
    peer.once("open", () => {
      clearTimeout(timeout);
      peer.off("error", onError);
      resolve(peer);
    });
    const onError = (error: PeerError<string>) => {
      const taken = error.type === "unavailable-id";
      const message = taken
        ? `The name ${id} is in use at the signalling server.`
        : `The signalling server at ${where} cannot be reached. Check the network and reload the page.`;
      fail(new MeshError(taken ? "taken" : "signalling", message, { cause: error }));
    };
    peer.on("error", onError);
  });
}

/** Keeps `peer` registered until it is destroyed; tells when that breaks and heals. */
export class SignallingKeeper {
  readonly changes = new Listeners<[registered: boolean]>();
  private readonly peer: Peer;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(peer: Peer) {
    this.peer = peer;
    peer.on("disconnected", () => this.lost());
    peer.on("open", () => this.healed());
    peer.on("close", () => this.stop());
    globalThis.addEventListener("online", this.now);
  }

  stop(): void {
    clearTimeout(this.retry);
    globalThis.removeEventListener("online", this.now);
  }

  private lost(): void {
    if (this.peer.destroyed) return;
    if (this.attempts === 0) this.changes.emit(false);
    clearTimeout(this.retry);
    const wait = RETRY_MS[Math.min(this.attempts, RETRY_MS.length - 1)]!;
    this.attempts += 1;
    this.retry = setTimeout(this.now, wait);
  }

  private healed(): void {
    this.attempts = 0;
    this.changes.emit(true);
  }

  private readonly now = (): void => {
    clearTimeout(this.retry);
    if (this.peer.disconnected && !this.peer.destroyed) this.peer.reconnect();
  };
}
