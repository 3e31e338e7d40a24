/**
 * Links this tab again with the neighbors of its stage, and a coordinator with every stage, when the
 * frames channel or the connection to one ends, and reports both the end and the repair. Goes on for as
 * long as it needs the link.
 */
import { type CloseFailure, type MemberId, sleep, type Trouble } from "../../shared/index.ts";
import type { MemberParts } from "../membership/room-access.ts";

/** Between two attempts. */
const RETRY_MS = 500;

/**
 * Returns a function to call when no frame passes between this tab and a peer. It does nothing for a
 * peer to which this tab needs no link.
 */
export function repairLinks(
  { room, linkFrames, clock }: MemberParts,
  report: (trouble: Trouble) => void,
): (peer: MemberId, cause: CloseFailure) => void {
  const repairing = new Set<MemberId>();

  const isNeeded = (peer: MemberId) => {
    const { self, connection, state } = room;
    if (connection === "lost" || !state.members.some(({ id }) => id === peer)) return false;
    const stages = state.placement?.stages.map(({ member }) => member) ?? [];
    const watched = state.coordinator === self ? stages : neighborsIn(stages, self);
    return watched.includes(peer);
  };

  const repair = async (peer: MemberId, cause: CloseFailure) => {
    while (isNeeded(peer)) {
      // Each time, because the coordinator may be another one, which does not know it.
      report({ kind: "link_down", peer, cause });
      try {
        await linkFrames(peer);
        return report({ kind: "link_restored", peer });
      } catch {
        await sleep(clock, RETRY_MS);
      }
    }
  };

  return (peer, cause) => {
    if (repairing.has(peer) || !isNeeded(peer)) return;
    repairing.add(peer);
    void repair(peer, cause).finally(() => repairing.delete(peer));
  };
}

/** The stages before and after that of `self`; the last stage also sends to the first. */
function neighborsIn(stages: readonly MemberId[], self: MemberId): MemberId[] {
  const at = stages.indexOf(self);
  if (at < 0) return [];
  const count = stages.length;
  const around = [stages[(at + 1) % count]!, stages[(at + count - 1) % count]!];
  return around.filter((member) => member !== self);
}
