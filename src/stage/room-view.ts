/** The room as this tab's member knows it: members, and the generations that run. Knows no frames. */
import type { GenerationId, MemberId, StageRoom } from "../shared/index.ts";

export type Standing =
  | "running"
  /** It has not started as far as this tab knows: the room's log may be behind. */
  | "not_started"
  /** It is over, or it is another member's. */
  | "refused";

export class RoomView {
  #members: ReadonlySet<MemberId> = new Set();
  #requesters: ReadonlyMap<GenerationId, MemberId> = new Map();
  #term: string | null = null;
  /** The newest generation that has started in this term, in which they start in the order of their ids. */
  #newest: GenerationId | null = null;

  update({ term, members, running }: StageRoom): void {
    if (term !== this.#term) this.#newest = null;
    this.#term = term;
    this.#members = new Set(members);
    this.#requesters = new Map(running.map(({ generation, requester }) => [generation, requester]));
    for (const { generation } of running)
      if (this.#newest === null || isAfter(generation, this.#newest)) this.#newest = generation;
  }

  isMember(id: MemberId): boolean {
    return this.#members.has(id);
  }

  /** What the room says of a generation that is said to be of `requester`. */
  standing(generation: GenerationId, requester: MemberId): Standing {
    const known = this.#requesters.get(generation);
    if (known !== undefined) return known === requester ? "running" : "refused";
    return this.#newest === null || isAfter(generation, this.#newest) ? "not_started" : "refused";
  }
}

/** The order of u32 ids whose upper bits, the epoch, wrap around. */
function isAfter(one: GenerationId, other: GenerationId): boolean {
  return ((one - other) | 0) > 0;
}
