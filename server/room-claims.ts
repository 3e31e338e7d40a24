/**
 * Which key holds which room: decides about the claims of coordinators.
 *
 *   first claim    registers the room's key
 *   later claims   must be signed by that key, of the same term, a later one of its epoch, or the
 *                  next epoch, or by a key that this one signed: then the room removed a member,
 *                  and its terms begin again
 *   release        forgets the room some time after its last socket closed
 *   end            forgets it at once: its last member left
 *
 * Knows no sockets and no clock.
 */
import {
  type BridgeClaimMessage,
  type BridgeNonce,
  type BridgePublicKey,
  type BridgeRefusal,
  isLaterTerm,
  type MemberId,
  type RoomCode,
  succeeds,
  verifyBridgeClaim,
} from "../src/shared/index.ts";

/** A room whose machines all sleep or restart in this time keeps its code. */
export const KEEP_KEY_MS = 10 * 60_000;

type Holding = {
  readonly publicKey: BridgePublicKey;
  epoch: number;
  member: MemberId;
  /** Null while the coordinator's socket is open. */
  releasedAtMs: number | null;
};

/** Why a claim does not follow the last one. Knows no keys. */
export function termRefusal(
  last: Omit<Holding, "publicKey">,
  { room, epoch, member }: Pick<BridgeClaimMessage, "room" | "epoch" | "member">,
): BridgeRefusal | null {
  // Terms of one epoch have an order, so that their coordinators do not replace each other in turn.
  if (isLaterTerm(last, { epoch, member })) {
    const held = last.releasedAtMs === null;
    return { reason: "epoch_passed", room, epoch, last: last.epoch, by: last.member, held };
  }
  const highest = last.epoch + 1;
  return epoch > highest ? { reason: "epoch_too_high", room, epoch, highest } : null;
}

export class RoomClaims {
  readonly #rooms = new Map<RoomCode, Holding>();
  readonly #maxRooms: number;

  constructor(maxRooms: number) {
    this.#maxRooms = maxRooms;
  }

  knows(room: RoomCode): boolean {
    return this.#rooms.has(room);
  }

  /** Null if the claim is accepted; the room is then held until `release`. */
  decide(claim: BridgeClaimMessage, nonce: BridgeNonce, nowMs: number): BridgeRefusal | null {
    this.#forget(nowMs);
    const { room, epoch, member, publicKey, signature, succession } = claim;
    const known = this.#rooms.get(room);
    if (known === undefined && this.#rooms.size >= this.#maxRooms) {
      return { reason: "too_many_rooms", maxRooms: this.#maxRooms };
    }
    const isSuccessor =
      known !== undefined &&
      known.publicKey !== publicKey &&
      succeeds(room, known.publicKey, publicKey, succession);
    if (known !== undefined && known.publicKey !== publicKey && !isSuccessor) {
      return { reason: "wrong_key", room };
    }
    if (!verifyBridgeClaim(publicKey, { room, epoch, member, nonce }, signature)) {
      return { reason: "invalid_signature", room };
    }
    const refusal = known && !isSuccessor ? termRefusal(known, claim) : null;
    if (refusal) return refusal;
    this.#rooms.set(room, { publicKey, epoch, member, releasedAtMs: null });
    return null;
  }

  /** The room's last socket closed. */
  release(room: RoomCode, nowMs: number): void {
    const holding = this.#rooms.get(room);
    if (holding !== undefined) holding.releasedAtMs = nowMs;
  }

  /** Nobody is in the room, so its code is free. */
  end(room: RoomCode): void {
    this.#rooms.delete(room);
  }

  #forget(nowMs: number): void {
    for (const [room, { releasedAtMs }] of this.#rooms) {
      if (releasedAtMs !== null && nowMs - releasedAtMs >= KEEP_KEY_MS) this.#rooms.delete(room);
    }
  }
}
