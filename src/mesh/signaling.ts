/**
 * This tab at the signaling server: a PeerJS `Peer` that stays registered. After a
 * network loss it registers again. Connections between tabs do not depend on it.
 */
import { Peer, type PeerError } from "peerjs";
import { z } from "zod";
import { type MeshFailure, parseJson } from "../shared/index.ts";
import { MeshError } from "./mesh-error.ts";

export type PeerOptions = {
  /** The server's origin. It has a PeerServer. */
  readonly server: string;
  /** STUN and TURN; none are needed on one network. */
  readonly iceServers?: readonly RTCIceServer[];
};

const PEER_SERVER_PATH = "/peerjs";
/** A server on this machine or network answers in milliseconds; a public one takes seconds. */
const OPEN_TIMEOUT_MS = 10_000;
/** Between attempts to register again. Later attempts are rarer, to spare the server. */
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/** Registers as `id`. Rejects with a `MeshError` if the id is taken or the server does not answer. */
export function openPeer(id: string, { server, iceServers = [] }: PeerOptions): Promise<Peer> {
  // Not a copy: PeerJS reads it for each connection, and servers may be added.
  const config: RTCConfiguration = { iceServers: iceServers as RTCIceServer[] };
  const { href: url, hostname: host, port: given, protocol } = new URL(PEER_SERVER_PATH, server);
  const secure = protocol === "https:";
  const port = Number(given) || (secure ? 443 : 80);
  // Errors arrive as events, so PeerJS need not print them.
  const peer = new Peer(id, { host, port, path: PEER_SERVER_PATH, secure, config, debug: 0 });
  return new Promise((resolve, reject) => {
    const fail = (failure: MeshFailure, cause?: unknown) => {
      clearTimeout(timeout);
      peer.destroy();
      reject(new MeshError(failure, { cause }));
    };
    const timeout = setTimeout(() => fail({ reason: "signaling_timeout", url }), OPEN_TIMEOUT_MS);
    peer.once("open", () => {
      clearTimeout(timeout);
      peer.off("error", onError);
      resolve(peer);
    });
    const onError = (error: PeerError<string>) => {
      const isTaken = error.type === "unavailable-id";
      const otherwise = refusalOf(error) ?? { reason: "signaling_unreachable", url };
      fail(isTaken ? { reason: "id_taken", id } : otherwise, error);
    };
    peer.on("error", onError);
  });
}

const RateLimited = z.object({ reason: z.literal("rate_limited"), retryAfterS: z.int() });

/** Our server's refusal, which PeerJS passes on as the text of an error; null for other errors. */
export function refusalOf({ type, message }: Pick<PeerError<string>, "type" | "message">) {
  if (type !== "server-error") return null;
  const { data } = RateLimited.safeParse(parseJson(message));
  if (data === undefined) return null;
  return { reason: "signaling_busy", retryAfterS: data.retryAfterS } as const;
}

/** The first attempt to register again comes soon; a server that restarts is no news. */
const LOST_AFTER_ATTEMPTS = 2;

/**
 * Keeps `peer` registered until it is destroyed. Returns a function that ends this: to be called before the
 * peer disconnects, which is no loss then. `onChange` is called with false when registering again has
 * failed, and with true once it has succeeded.
 */
export function keepRegistered(
  peer: Peer,
  onChange: (isRegistered: boolean) => void = () => undefined,
): () => void {
  let attempts = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  const reconnect = () => {
    clearTimeout(retry);
    if (peer.disconnected && !peer.destroyed) peer.reconnect();
  };
  const stop = () => {
    isStopped = true;
    clearTimeout(retry);
    globalThis.removeEventListener("online", reconnect);
  };
  peer.on("disconnected", () => {
    if (isStopped) return;
    clearTimeout(retry);
    const waitMs = RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)]!;
    attempts += 1;
    if (attempts === LOST_AFTER_ATTEMPTS) onChange(false);
    retry = setTimeout(reconnect, waitMs);
  });
  peer.on("open", () => {
    if (attempts >= LOST_AFTER_ATTEMPTS) onChange(true);
    attempts = 0;
  });
  peer.on("close", stop);
  globalThis.addEventListener("online", reconnect);
  return stop;
}
