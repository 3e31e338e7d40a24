/** What people call a member. A member that left is known by its id only. */
import type { MemberId } from "../shared/ids.ts";
import type { Member } from "../shared/member.ts";

export type NameOf = (id: MemberId) => string;

/** Names as the room knows them now. */
export function nameOfMembers(members: readonly Pick<Member, "id" | "name">[]): NameOf {
  const names = new Map(members.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}
