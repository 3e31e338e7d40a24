/** Whether the coordinator admits a newcomer, and under which name and color. Pure. */
import type { ProvenBy } from "../../mesh/index.ts";
import {
  type AdmissionFailure,
  type MemberId,
  MAX_NAME_CHARACTERS,
  type Member,
  type RoomState,
} from "../../shared/index.ts";
import type { ClusterMessage, NewcomerRefusal } from "../membership/messages.ts";

export type Join = Extract<ClusterMessage, { type: "join" }>;

/** Why a newcomer is refused, or null. */
export function refuseNewcomer(
  state: RoomState,
  peer: MemberId,
  { room, member }: Join,
  provenBy: ProvenBy | null,
): NewcomerRefusal | null {
  if (room !== state.room) return { reason: "wrong_room", room: state.room, requested: room };
  if (state.removedMembers.includes(peer)) return { reason: "removed_from_room" };
  if (member.id !== peer) return { reason: "other_sender", member: member.id, peer };
  return admissionRefusal(state, provenBy, member.id);
}

/**
 * Whether the room admits this newcomer now. A member that was in the room before, and proves the room's
 * secret, is not new: it was reloaded, or has lost its coordinator.
 */
export function admissionRefusal(
  { admits, members, formerMembers }: RoomState,
  provenBy: ProvenBy | null,
  newcomer: MemberId | null,
): AdmissionFailure | null {
  const wasHere = [...members, ...formerMembers].some(({ id }) => id === newcomer);
  if (provenBy === "secret" && wasHere) return null;
  if (admits === "nobody") return { reason: "room_locked" };
  return admits === "link" && provenBy !== "secret" ? { reason: "link_needed" } : null;
}

/** The newcomer as it introduces itself, with the name and color that it proposes if no other has them. */
export function distinctMember({ members }: RoomState, member: Member): Member {
  const others = members.filter(({ id }) => id !== member.id);
  const names = new Set(others.map(({ name }) => name));
  const colors = new Set(others.map(({ color }) => color));
  return {
    ...withoutRoomFacts(member),
    name: freeName(names, member.name),
    color: freeColor(colors, member.color),
  };
}

/** Without what only the room says of a member: its laps, and that people want it used. */
const withoutRoomFacts = ({ costRatio: _ratio, use, ...member }: Member): Member =>
  use === "exclude" ? { ...member, use } : member;

/** Two tabs of one browser propose the same name; the room tells them apart by a number. */
function freeName(taken: ReadonlySet<string>, proposed: string): string {
  if (!taken.has(proposed)) return proposed;
  // A name that was kept over a reload may have such a number already.
  const base = proposed.replace(/ \(\d+\)$/, "");
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? "" : ` (${count})`;
    const name = `${base.slice(0, MAX_NAME_CHARACTERS - suffix.length)}${suffix}`;
    if (!taken.has(name)) return name;
  }
}

function freeColor(taken: ReadonlySet<number>, proposed: number): number {
  if (!taken.has(proposed)) return proposed;
  let color = 0;
  while (taken.has(color)) color += 1;
  return color;
}
