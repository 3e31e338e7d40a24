/**
 * Who may send which frame, by the room's state and the placement in force. Pure.
 *
 *   prompt    to stage 0: the requester of a running generation; then stage by stage
 *   hidden    the previous stage
 *   token     the last stage
 *   end       the previous stage, or at stage 0 the requester
 *   failure   a stage
 *   resume    the next stage
 *
 * All of them are members of the room.
 * The sender of a refused frame gets a failure frame, except for one that is itself a failure.
 */
import type { Frame } from "../mesh/index.ts";
import type { MemberId, StageFailure } from "../shared/index.ts";
import { comparePlacement, type PipelinePosition } from "./pipeline-position.ts";
import type { RoomView } from "./room-view.ts";

/** The channels answer pings themselves. */
export type StageFrame = Exclude<Frame, { readonly type: "ping" | "pong" }>;

export type Verdict =
  | { readonly kind: "take" }
  /** Neither right nor wrong yet: the room's log may be behind. */
  | { readonly kind: "hold" }
  | { readonly kind: "refuse"; readonly failure: StageFailure }
  | { readonly kind: "ignore" };

export type Receiver = {
  readonly self: MemberId;
  readonly position: PipelinePosition | null;
  /** Its layers are loaded. */
  readonly isLoaded: boolean;
  readonly room: RoomView;
};

const TAKE: Verdict = { kind: "take" };
const NOT_LOADED: Verdict = { kind: "refuse", failure: { reason: "layers_not_loaded" } };

export function judgeFrame(receiver: Receiver, from: MemberId, frame: StageFrame): Verdict {
  const { self, position, isLoaded, room } = receiver;
  if (from !== self && !room.isMember(from))
    return {
      kind: "refuse",
      failure: { reason: "sender_not_member", member: self },
    };
  const age = comparePlacement(position, frame);
  if (age === "newer" || position === null) return { kind: "hold" };
  if (frame.type === "failure") {
    const isStage = position.pipeline.stages.some(({ member }) => member === from);
    return isStage && age === "current" ? TAKE : { kind: "ignore" };
  }
  if (age === "older") return NOT_LOADED;
  const { isFirst, previous, next, last } = position;
  switch (frame.type) {
    case "prompt": {
      if (!isLoaded) return NOT_LOADED;
      if (from !== (isFirst ? frame.requester : previous)) break;
      const standing = room.standing(frame.generation, frame.requester);
      if (standing === "refused")
        return { kind: "refuse", failure: { reason: "generation_not_running", member: self } };
      // A later stage takes what its previous stage took, and compares again with each change.
      return isFirst && standing === "not_started" ? { kind: "hold" } : TAKE;
    }
    case "hidden":
      if (from !== previous) break;
      return isLoaded ? TAKE : NOT_LOADED;
    case "token":
      if (from !== last) break;
      return TAKE;
    case "end":
      if (from !== previous && !isFirst) break;
      return TAKE; // stage 0 compares it with the prompt's requester
    case "resume":
      if (from !== next) break;
      return isLoaded ? TAKE : NOT_LOADED;
    default:
      frame satisfies never;
  }
  const failure = { reason: "unexpected_sender", member: self, frame: frame.type } as const;
  return { kind: "refuse", failure };
}
