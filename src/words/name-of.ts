/** What people call a member. */
import type { MemberId, RoomState } from "../shared/index.ts";

export type NameOf = (id: MemberId) => string;

/** The names that the room knows, also of members that left; an unknown member is its id. */
export function nameOfRoom(state: Pick<RoomState, "members" | "formerMembers"> | null): NameOf {
  return nameOfMembers([...(state?.formerMembers ?? []), ...(state?.members ?? [])]);
}

export function nameOfMembers(
  members: readonly { readonly id: MemberId; readonly name: string }[],
): NameOf {
  const names = new Map(members.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}
