/** What the room says of members by their ids, said by their names. Pure. */
import type { Member } from "../shared/member.ts";

/** Replaces members' ids by their names. */
export function namesIn(members: readonly Member[]): (text: string) => string {
  // The longest id first, so that none is taken for the start of another.
  const sorted = members.toSorted((one, other) => other.id.length - one.id.length);
  return (text) => sorted.reduce((said, { id, name }) => replaceWord(said, id, name), text);
}

/** Not with split and join: the id "a" is no part of the word "back". */
function replaceWord(text: string, id: string, name: string): string {
  const pattern = new RegExp(`(?<![\\w-])${id}(?![\\w-])`, "g");
  return text.replace(pattern, () => name);
}
