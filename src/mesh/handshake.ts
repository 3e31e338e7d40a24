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
import {
  type AdmissionFailure,
  type CloseFailure,
  type MemberId,
  parseUntrusted,
  type RoomSecret,
} from "../shared/index.ts";
import type { Admission, ProvenBy } from "./admission.ts";
import { Control } from "./control.ts";
import type { Fingerprints } from "./fingerprints.ts";
import { type Hello, readHello } from "./hello.ts";
import { codeProof, type Proof, type Role, secretProof, type Tell } from "./proof.ts";

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

export class Handshake {
  readonly #options: HandshakeOptions;
  #hello: Hello | null = null;
  #secret: RoomSecret | null = null;
  #proof: Proof | null = null;
  #provenBy: ProvenBy = "secret";
  #state: "proving" | "proven" | "over" = "proving";

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  /** Call it when the connection is open, so that a secret that arrived in the meantime is used. */
  start(): void {
    const { self, protocol, admission, tell } = this.#options;
    if (this.#hello !== null || this.#state === "over") return;
    this.#secret = admission.key?.secret ?? null;
    this.#hello = {
      type: "hello",
      protocol,
      member: self,
      nonce: bytesToHex(randomBytes(32)),
      holds: this.#secret === null ? "code" : "secret",
    };
    tell(this.#hello);
  }

  receive(message: unknown): void {
    this.start();
    if (this.#state === "over") return;
    if (this.#proof === null) return this.#takeHello(message);
    const control = parseUntrusted(Control, message).data;
    if (control === undefined) return this.#violated();
    if (this.#state === "proven") {
      return control.type === "welcome" ? this.#finish() : this.#violated();
    }
    const step = this.#proof.take(control);
    if (step.kind === "refused") this.#refuse(step.failure);
    else if (step.kind === "unexpected_message") this.#violated();
    else if (step.kind === "proven") this.#proven();
  }

  #takeHello(message: unknown): void {
    const { protocol, peer } = this.#options;
    const hello = readHello(message, protocol, peer);
    if ("reason" in hello) return this.#refuse(hello);
    const refusal = this.#refusalOf(hello);
    if (refusal !== null) return this.#refuse(refusal);
    this.#proof = this.#proofFor(hello);
    this.#proof?.begin();
  }

  /** Whether this tab and the peer have a proof that both can give. */
  #refusalOf(theirs: Hello): AdmissionFailure | null {
    const { self, peer, admission } = this.#options;
    if (theirs.holds === "secret") return null;
    if (this.#secret === null) return { reason: "peer_not_admitted", peer };
    if (admission.refuseCodes === null) return { reason: "code_not_checked_here", peer: self };
    return admission.refuseCodes();
  }

  #proofFor(theirs: Hello): Proof | null {
    const { role, admission, tell, fingerprints } = this.#options;
    const found = fingerprints();
    if (found === null || this.#hello === null) {
      this.#violated("no fingerprints");
      return null;
    }
    const [caller, callee] = role === "caller" ? [this.#hello, theirs] : [theirs, this.#hello];
    const connection = { role, fingerprints: found, caller, callee };
    if (this.#secret !== null && theirs.holds === "secret") {
      return secretProof(connection, this.#secret, tell);
    }
    this.#provenBy = "code";
    return codeProof(connection, admission.code, this.#secret && admission.guesses, tell);
  }

  #proven(): void {
    // The room has changed its secret since this handshake began.
    const isOutdated =
      this.#provenBy === "secret" && this.#secret !== this.#options.admission.key?.secret;
    if (isOutdated) return this.#refuse({ reason: "wrong_secret" });
    this.#state = "proven";
    if (this.#options.role === "caller") return;
    this.#options.tell({ type: "welcome" });
    this.#finish();
  }

  #finish(): void {
    this.#state = "over";
    this.#options.onProven(this.#provenBy);
  }

  #violated(detail = "an unexpected message in the handshake"): void {
    this.#refuse({ reason: "protocol_violation", peer: this.#options.peer, detail });
  }

  #refuse(failure: CloseFailure): void {
    this.#state = "over";
    this.#options.onRefused(failure);
  }
}
