/**
 * Takes, holds, or refuses each frame that arrives, by the rules of `frame-rules.ts`. No frame of a
 * member is dropped silently: it is refused with a reason, or held until the placement or the start of the
 * generation comes through the room's log. A member that sends junk fills only its own share of what is held.
 */
import { encode, WAITING_FRAME_BYTES } from "../mesh/index.ts";
import type { MemberId, StageFailure } from "../shared/index.ts";
import { judgeFrame, type Receiver, type StageFrame } from "./frame-rules.ts";
import { RoomView } from "./room-view.ts";

/** Of one sender: two prompts of a million tokens. */
export const MAX_HELD_BYTES = 8 * 1024 * 1024;

export type FrameIntakeOutside = {
  readonly receiver: () => Omit<Receiver, "room">;
  readonly take: (from: MemberId, frame: StageFrame) => void;
  readonly reply: (to: MemberId, frame: StageFrame) => void;
};

/** The frames of one sender, in the order in which they came. */
type Held = { frames: StageFrame[]; bytes: number };

export function frameIntake({ receiver, take, reply }: FrameIntakeOutside) {
  const room = new RoomView();
  const held = new Map<MemberId, Held>();

  /** Carries the placement of the refused frame: its sender ignores frames of another one. */
  const refuse = (to: MemberId, frame: StageFrame, failure: StageFailure) => {
    if (frame.type === "failure") return;
    const { placement, epoch } = frame;
    const { generation } = frame.type === "hidden" ? frame.segments[0]! : frame;
    reply(to, { type: "failure", placement, epoch, generation, failure });
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
    const own = receiver();
    const verdict = judgeFrame({ ...own, room }, from, frame);
    switch (verdict.kind) {
      case "refuse":
        return refuse(from, frame, verdict.failure);
      case "hold": {
        if (hold(from, frame)) return;
        const share = { member: own.self, maxBytes: MAX_HELD_BYTES };
        return refuse(from, frame, {
          reason: "early_frames_exceeded",
          ...share,
        });
      }
      case "take": {
        const share = held.get(from);
        if (frame.type === "end" && share !== undefined)
          share.frames = share.frames.filter(
            (other) => other.type !== "prompt" || other.generation !== frame.generation,
          );
        return take(from, frame);
      }
      case "ignore":
        return;
    }
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
