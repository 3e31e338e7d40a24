/** The room as this tab's member knows it: members, and the generations that run. Knows no frames. */
import type { GenerationId, MemberId, RequestedGeneration, StageRoom } from "../shared/index.ts";

export type Standing =
  | "running"
  /** It has not started as far as this tab knows: the room's log may be behind. */
  | "not_started"
  /** It is over, or it is another member's. */
  | "refused";

export class RoomView {
  #members: ReadonlySet<MemberId> = new Set();
  #queued: ReadonlyMap<GenerationId, MemberId> = new Map();
  #running: ReadonlyMap<GenerationId, MemberId> = new Map();
  #term: string | null = null;
  /** The newest generation of this term, in which they are queued in the order of their ids. */
  #newest: GenerationId | null = null;

  update({ term, members, queued, running }: StageRoom): void {
    if (term !== this.#term) this.#newest = null;
    this.#term = term;
    this.#members = new Set(members);
    this.#queued = requestersOf(queued);
    this.#running = requestersOf(running);
    for (const { generation } of [...queued, ...running])
      if (this.#newest === null || isAfter(generation, this.#newest)) this.#newest = generation;
  }

  isMember(id: MemberId): boolean {
    return this.#members.has(id);
  }

  /** What the room says of a generation that is said to be of `requester`. */
  standing(generation: GenerationId, requester: MemberId): Standing {
    const known = this.#running.get(generation) ?? this.#queued.get(generation);
    if (known !== undefined && known !== requester) return "refused";
    if (known !== undefined) return this.#running.has(generation) ? "running" : "not_started";
    return this.#newest === null || isAfter(generation, this.#newest) ? "not_started" : "refused";
  }
}

function requestersOf(generations: readonly RequestedGeneration[]) {
  return new Map(generations.map(({ generation, requester }) => [generation, requester]));
}

/** The order of u32 ids whose upper bits, the epoch, wrap around. */
function isAfter(one: GenerationId, other: GenerationId): boolean {
  return ((one - other) | 0) > 0;
}
