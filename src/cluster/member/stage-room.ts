/**
 * Tells this tab's stage who is a member and which generations run, so that it takes frames and
 * prompts from nobody else. One message per change of either, none per token.
 */
import type { Generation, RequestedGeneration, StagePort, StageRoom } from "../../shared/index.ts";
import type { RoomAccess } from "../membership/room-access.ts";

/** Created before everything that sends frames: the stage must know of a generation before its prompt. */
export class StageRoomReporter {
  readonly #room: RoomAccess;
  readonly #stage: Pick<StagePort, "setRoom">;

  constructor(room: RoomAccess, stage: Pick<StagePort, "setRoom">) {
    this.#room = room;
    this.#stage = stage;
    room.subscribe(({ event }) => {
      if (event === null || CAUSES.has(event.event.type)) this.report();
    });
    this.report();
  }

  report(): void {
    // A worker that has ended takes no frames either.
    this.#stage.setRoom(this.#room.self, this.#stageRoom()).catch(() => undefined);
  }

  #stageRoom(): StageRoom {
    const { epoch, coordinator, members, generations } = this.#room.state;
    return {
      term: `${epoch} of ${coordinator}`,
      members: members.map(({ id }) => id),
      queued: requested(generations, "queued"),
      running: requested(generations, "running"),
    };
  }
}

function requested(
  generations: readonly Generation[],
  wanted: Generation["status"],
): RequestedGeneration[] {
  return generations
    .filter(({ status }) => status === wanted)
    .map(({ id, requester }) => ({ generation: id, requester }));
}

const CAUSES: ReadonlySet<string> = new Set([
  "coordinator_changed",
  "member_joined",
  "member_left",
  "generation_queued",
  "generation_started",
  "generation_ended",
]);
