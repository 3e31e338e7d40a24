/**
 * Takes, holds, or refuses each frame that arrives, by the rules of `frame-rules.ts`. No frame of a
 * member is dropped silently: it is held within the sender's share, or refused with a reason.
 */
import type { Frame } from "../mesh/index.ts";
import type { MemberId, StageFailure } from "../shared/index.ts";
import { judgeFrame, type Receiver } from "./frame-rules.ts";
import { HeldFrames, MAX_HELD_BYTES } from "./held-frames.ts";
import { refusalOf } from "./refusal.ts";
import { RoomView } from "./room-view.ts";

export type FrameIntakeOutside = {
  readonly receiver: () => Omit<Receiver, "room"> & { readonly self: MemberId };
  readonly take: (from: MemberId, frame: Frame) => void;
  readonly reply: (to: MemberId, frame: Frame) => void;
};

export function frameIntake({ receiver, take, reply }: FrameIntakeOutside) {
  const room = new RoomView();
  const held = new HeldFrames();

  const refuse = (to: MemberId, frame: Frame, failure: StageFailure) => {
    const refusal = refusalOf(frame, failure);
    if (refusal !== null) reply(to, refusal);
  };

  const receive = (from: MemberId, frame: Frame) => {
    const { self: member, ...own } = receiver();
    const verdict = judgeFrame({ ...own, room }, from, frame);
    switch (verdict.kind) {
      case "refuse":
        return refuse(from, frame, verdict.failure);
      case "hold":
        if (held.add(from, frame)) return;
        return refuse(from, frame, {
          reason: "early_frames_exceeded",
          member,
          maxBytes: MAX_HELD_BYTES,
        });
      case "take":
        if (frame.type === "end") held.dropPrompt(from, frame.generation);
        return take(from, frame);
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
      for (const { from, frame } of held.takeAll()) receive(from, frame);
    },
    dropSender(peer: MemberId): void {
      held.dropSender(peer);
    },
  };
}
