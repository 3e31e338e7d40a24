/**
 * Who may send which frame, by the room's state and the placement in force:
 *
 *   prompt    to stage 0: the requester of a running generation; then stage by stage
 *   hidden    the previous stage
 *   token     the last stage
 *   end       the previous stage, or at stage 0 the requester
 *   failure   a stage
 *   resume    the next stage
 *
 * All of them are members of the room. No frame of a member is dropped silently: it is taken, refused with a
 * failure frame unless it is one itself, or held until the placement or the start of the generation comes
 * through the room's log. A member that sends junk fills only its own share of what is held.
 */
import { encode, type Frame, WAITING_FRAME_BYTES } from "../mesh/index.ts";
import type { MemberId, StageFailure } from "../shared/index.ts";
import { comparePlacement, type PipelinePosition } from "./pipeline-position.ts";
import { RoomView } from "./room-view.ts";

/** The channels answer pings themselves. */
export type StageFrame = Exclude<Frame, { readonly type: "ping" | "pong" }>;

/** Of one sender: two prompts of a million tokens. */
export const MAX_HELD_BYTES = 8 * 1024 * 1024;

export type FrameIntakeOutside = {
  readonly self: () => MemberId;
  readonly position: () => PipelinePosition | null;
  /** The layers of this position are loaded. */
  readonly isLoaded: () => boolean;
  readonly take: (from: MemberId, frame: StageFrame) => void;
  readonly reply: (to: MemberId, frame: StageFrame) => void;
};

/** The frames of one sender, in the order in which they came. */
type Held = { frames: StageFrame[]; bytes: number };

export function frameIntake({ self, position, isLoaded, take, reply }: FrameIntakeOutside) {
  const room = new RoomView();
  const held = new Map<MemberId, Held>();

  /** Carries the placement of the refused frame: its sender ignores frames of another one. */
  const refuse = (to: MemberId, frame: StageFrame, failure: StageFailure) => {
    if (frame.type === "failure") return;
    const { placement, epoch } = frame;
    const { generation } = frame.type === "hidden" ? frame.segments[0]! : frame;
    reply(to, { type: "failure", placement, epoch, generation, failure });
  };

  /** The reason of a refusal, or what else to do. "hold": neither right nor wrong yet. */
  const judge = (from: MemberId, frame: StageFrame): "take" | "hold" | "ignore" | StageFailure => {
    const member = self();
    if (from !== member && !room.isMember(from)) return { reason: "sender_not_member", member };
    const own = position();
    const age = comparePlacement(own, frame);
    if (age === "newer" || own === null) return "hold";
    const { isFirst, previous, next, last, pipeline } = own;
    if (frame.type === "failure") {
      const isStage = pipeline.stages.some((stage) => stage.member === from);
      return isStage && age === "current" ? "take" : "ignore";
    }
    const senders = {
      prompt: frame.type === "prompt" && isFirst ? frame.requester : previous,
      hidden: previous,
      token: last,
      end: isFirst ? from : previous, // stage 0 compares it with the prompt's requester
      resume: next,
    };
    const needsLayers = frame.type !== "token" && frame.type !== "end";
    if (age === "older" || (needsLayers && !isLoaded())) return { reason: "layers_not_loaded" };
    if (from !== senders[frame.type])
      return { reason: "unexpected_sender", member, frame: frame.type };
    if (frame.type !== "prompt") return "take";
    const standing = room.standing(frame.generation, frame.requester);
    if (standing === "refused") return { reason: "generation_not_running", member };
    // A later stage takes what its previous stage took, and compares again with each change.
    return isFirst && standing === "not_started" ? "hold" : "take";
  };

  /** False if the sender's share is full. */
  const hold = (from: MemberId, frame: StageFrame): boolean => {
    const share = held.get(from) ?? { frames: [], bytes: 0 };
    const bytes = share.bytes + encode(frame).byteLength + WAITING_FRAME_BYTES;
    if (bytes > MAX_HELD_BYTES) return false;
    share.bytes = bytes;
    share.frames.push(frame);
    held.set(from, share);
    return true;
  };

  const receive = (from: MemberId, frame: StageFrame) => {
    const verdict = judge(from, frame);
    if (verdict === "ignore" || (verdict === "hold" && hold(from, frame))) return;
    if (verdict === "hold") {
      const share = { member: self(), maxBytes: MAX_HELD_BYTES };
      return refuse(from, frame, { reason: "early_frames_exceeded", ...share });
    }
    if (verdict !== "take") return refuse(from, frame, verdict);
    const share = held.get(from);
    if (frame.type === "end" && share !== undefined)
      share.frames = share.frames.filter(
        (other) => other.type !== "prompt" || other.generation !== frame.generation,
      );
    take(from, frame);
  };

  return {
    room,
    receive,
    refuse,
    /** After a change of the room or of the placement: held frames may be taken or refused now. */
    receiveHeld(): void {
      const shares = [...held];
      held.clear();
      for (const [from, { frames }] of shares) frames.forEach((frame) => receive(from, frame));
    },
    dropSender(peer: MemberId): void {
      held.delete(peer);
    },
  };
}
