/**
 * Links this tab again with the neighbors of its stage, and a coordinator with every stage, when the
 * frames channel or the connection to one ends, and reports both the end and the repair. Goes on for as
 * long as it needs the link.
 */
import {
  type Clock,
  type CloseFailure,
  type MemberId,
  type RoomState,
  sleep,
  type Trouble,
} from "../../shared/index.ts";
import type { RoomAccess } from "../membership/room-access.ts";

export type LinkRepairParts = {
  readonly room: RoomAccess;
  /** Resolves once frames go to the peer and come back. */
  readonly linkFrames: (peer: MemberId) => Promise<void>;
  readonly report: (trouble: Trouble) => void;
  readonly clock: Clock;
};

/** Between two attempts. */
const RETRY_MS = 500;

export class LinkRepair {
  readonly #parts: LinkRepairParts;
  readonly #repairing = new Set<MemberId>();

  constructor(parts: LinkRepairParts) {
    this.#parts = parts;
  }

  /** No frame passes between this tab and `peer`. Does nothing for one to which this tab needs no link. */
  down(peer: MemberId, cause: CloseFailure): void {
    if (this.#repairing.has(peer) || !this.#needs(peer)) return;
    this.#repairing.add(peer);
    void this.#repair(peer, cause).finally(() => this.#repairing.delete(peer));
  }

  async #repair(peer: MemberId, cause: CloseFailure): Promise<void> {
    const { linkFrames, report, clock } = this.#parts;
    while (this.#needs(peer)) {
      // Each time, because the coordinator may be another one, which has heard nothing.
      report({ kind: "link_down", peer, cause });
      try {
        await linkFrames(peer);
        return report({ kind: "link_restored", peer });
      } catch {
        await sleep(clock, RETRY_MS);
      }
    }
  }

  #needs(peer: MemberId): boolean {
    const { room } = this.#parts;
    const { members } = room.state;
    const isHere = room.connection !== "lost" && members.some(({ id }) => id === peer);
    if (!isHere) return false;
    const { self, state } = room;
    const watched =
      state.coordinator === self
        ? (state.placement?.stages.map(({ member }) => member) ?? [])
        : neighborsOf(state, self);
    return watched.includes(peer);
  }
}

/** The stages before and after that of `self`; the last stage also sends to the first. */
export function neighborsOf({ placement }: RoomState, self: MemberId): MemberId[] {
  const members = placement?.stages.map(({ member }) => member) ?? [];
  const at = members.indexOf(self);
  if (at < 0) return [];
  const count = members.length;
  const around = [members[(at + 1) % count]!, members[(at + count - 1) % count]!];
  return [...new Set(around)].filter((member) => member !== self);
}
