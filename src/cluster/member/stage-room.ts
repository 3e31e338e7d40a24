/**
 * Tells this tab's stage who is a member and which generations run, so that it takes frames and
 * prompts from nobody else. One message per change of either, none per token.
 */
import type { Generation, RequestedGeneration } from "../../shared/index.ts";
import type { MemberParts } from "../membership/room-access.ts";

/**
 * Called before anything subscribes that sends frames: the stage must know of a generation before its
 * prompt. Returns a function that tells a stage that knows nothing.
 */
export function reportRoom({ room, stage }: Pick<MemberParts, "room" | "stage">): () => void {
  const report = () => {
    const { epoch, coordinator, members, generations } = room.state;
    const sent = stage.setRoom(room.self, {
      term: `${epoch} of ${coordinator}`,
      members: members.map(({ id }) => id),
      queued: requested(generations, "queued"),
      running: requested(generations, "running"),
    });
    sent.catch(() => undefined); // a worker that has ended takes no frames either
  };
  room.subscribe(({ event }) => {
    if (event === null || CAUSES.has(event.event.type)) report();
  });
  report();
  return report;
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
