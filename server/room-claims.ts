/**
 * Which key holds which room: decides about the claims of coordinators.
 *
 *   first claim    registers the room's key, which is all that the server knows of the room
 *   later claims   must be signed by that key, in the same epoch or one of the next few
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
  type RoomCode,
  verifyBridgeClaim,
} from "../src/shared/index.ts";

/** A room whose machines all sleep or restart in this time keeps its code. */
export const KEEP_KEY_MS = 10 * 60_000;

/**
 * 16 coordinators may have come and gone without the server's notice, and each begins an epoch up to
 * 8 above the last one (`nextEpoch` in src/cluster). A member that claims a far epoch would otherwise
 * lock the room out of the server.
 */
export const MAX_EPOCH_STEP = 16 * 8;

type Holding = {
  readonly publicKey: BridgePublicKey;
  epoch: number;
  /** Null while the coordinator's socket is open. */
  releasedAtMs: number | null;
};

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
    const { room, epoch, publicKey, signature } = claim;
    const known = this.#rooms.get(room);
    if (known === undefined && this.#rooms.size >= this.#maxRooms) {
      return { reason: "too_many_rooms", maxRooms: this.#maxRooms };
    }
    if (known !== undefined && known.publicKey !== publicKey) return { reason: "wrong_key", room };
    if (!verifyBridgeClaim(publicKey, { room, epoch, nonce }, signature)) {
      return { reason: "invalid_signature", room };
    }
    if (known !== undefined && epoch < known.epoch) {
      return { reason: "epoch_passed", room, epoch, last: known.epoch };
    }
    const highest = (known?.epoch ?? epoch) + MAX_EPOCH_STEP;
    if (epoch > highest) return { reason: "epoch_too_high", room, epoch, highest };
    this.#rooms.set(room, { publicKey, epoch, releasedAtMs: null });
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
