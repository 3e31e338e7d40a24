/**
 * Links this tab again with the neighbors of its stage, and a coordinator with every stage, when the
 * frames channel or the connection to one ends, and reports both the end and the repair. Goes on for as
 * long as it needs the link.
 */
import {
  type CloseFailure,
  isBetween,
  type MemberId,
  pipelineLinks,
  sleep,
  type Trouble,
} from "../../shared/index.ts";
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
    const stages = state.placement?.stages ?? [];
    return state.coordinator === self
      ? stages.some(({ member }) => member === peer)
      : pipelineLinks(stages).some((link) => isBetween(link, self, peer));
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
