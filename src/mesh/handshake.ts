/**
 * The handshake on a connection, before anything else is exchanged:
 *
 *   both sides   hello     version, id, nonce, and whether it has the room's secret or only its code
 *   both sides   a proof   of the secret, or of the code (proof.ts)
 *   callee       welcome   the caller waits for it: when it is connected, the other side is too
 *
 * Knows no channels: the owner delivers each message and sends what it is told.
 */
import { randomBytes, bytesToHex } from "@noble/hashes/utils.js";
import { z } from "zod";
import { type CloseFailure, type MemberId, parseUntrusted } from "../shared/index.ts";
import type { Admission, ProvenBy } from "./admission.ts";
import { Hello } from "./control.ts";
import type { Fingerprints } from "./fingerprints.ts";
import { proveCode, proveSecret, received, Refused, type Role, type Tell } from "./proof.ts";

export type HandshakeOptions = {
  readonly self: MemberId;
  readonly peer: MemberId;
  readonly role: Role;
  readonly protocol: number;
  readonly admission: Admission;
  /** Read when the peer's first message arrives: the connection is open then. */
  readonly fingerprints: () => Fingerprints | null;
  readonly tell: Tell;
  /** Called once, unless the handshake is refused. */
  readonly onProven: (provenBy: ProvenBy) => void;
  /** Called once; the owner tells the peer and closes. */
  readonly onRefused: (failure: CloseFailure) => void;
};

export type Handshake = ReturnType<typeof openHandshake>;

export function openHandshake(options: HandshakeOptions) {
  const steps = shakeHands(options);
  let isStarted = false;

  /** Returns what tells the owner the outcome, if this message decides it. Further messages change nothing. */
  const proceed = (message?: unknown): (() => void) | undefined => {
    try {
      const { done, value } = steps.next(message);
      return done === true && value !== undefined ? () => options.onProven(value) : undefined;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return () => options.onRefused(error.failure);
    }
  };
  const start = () => {
    if (!isStarted) proceed();
    isStarted = true;
  };
  return {
    /** Call it when the connection is open, so that a secret that arrived in the meantime is used. */
    start,
    receive(message: unknown): void {
      start();
      proceed(message)?.();
    },
  };
}

/** The steps of one side; each `yield` is the peer's next message. */
function* shakeHands(options: HandshakeOptions): Generator<undefined, ProvenBy, unknown> {
  const { self, peer, role, protocol, admission, fingerprints, tell } = options;
  const secret = admission.key?.secret ?? null;
  const nonce = bytesToHex(randomBytes(32));
  const holds = secret === null ? "code" : "secret";
  const ours: Hello = { type: "hello", protocol, member: self, nonce, holds };
  tell(ours);
  const theirs = readHello(yield, protocol, peer);
  if (theirs.holds === "code") {
    if (secret === null) throw new Refused({ reason: "peer_not_admitted", peer });
    if (admission.refuseCodes === null)
      throw new Refused({ reason: "code_not_checked_here", peer: self });
    const refusal = admission.refuseCodes();
    if (refusal !== null) throw new Refused(refusal);
  }
  const found = fingerprints();
  if (found === null)
    throw new Refused({ reason: "protocol_violation", peer, detail: "no fingerprints" });
  const [caller, callee] = role === "caller" ? [ours, theirs] : [theirs, ours];
  const connection = { peer, role, fingerprints: found, caller, callee };
  const provenBy = secret !== null && theirs.holds === "secret" ? "secret" : "code";
  if (secret !== null && provenBy === "secret") {
    yield* proveSecret(connection, secret, tell);
    // The room may have changed its secret since this handshake began.
    if (secret !== admission.key?.secret) throw new Refused({ reason: "wrong_secret" });
  } else {
    yield* proveCode(connection, admission.code, secret && admission.guesses, tell);
  }
  if (role === "callee") tell({ type: "welcome" });
  else received("welcome", yield, peer);
  return provenBy;
}

/** A peer's hello. A later version may change the fields, so the version is read first. */
function readHello(message: unknown, ours: number, peer: MemberId): Hello {
  const version = z.object({ type: z.literal("hello"), protocol: z.int() }).safeParse(message);
  if (!version.success) throw new Refused({ reason: "not_tabmesh", peer });
  const theirs = version.data.protocol;
  if (theirs !== ours) throw new Refused({ reason: "version_mismatch", ours, theirs });
  const hello = parseUntrusted(Hello, message);
  if (!hello.success) throw new Refused({ reason: "not_tabmesh", peer });
  if (hello.data.member !== peer) throw new Refused({ reason: "other_identity", peer });
  return hello.data;
}
