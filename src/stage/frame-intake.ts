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
  take(from: MemberId, frame: Frame): void;
  reply(to: MemberId, frame: Frame): void;
};

export class FrameIntake {
  readonly room = new RoomView();
  readonly #held = new HeldFrames();
  readonly #outside: FrameIntakeOutside;

  constructor(outside: FrameIntakeOutside) {
    this.#outside = outside;
  }

  receive(from: MemberId, frame: Frame): void {
    const { self, ...receiver } = this.#outside.receiver();
    const verdict = judgeFrame({ ...receiver, room: this.room }, from, frame);
    switch (verdict.kind) {
      case "refuse":
        return this.refuse(from, frame, verdict.failure);
      case "hold":
        if (this.#held.add(from, frame)) return;
        return this.refuse(from, frame, {
          reason: "early_frames_exceeded",
          member: self,
          maxBytes: MAX_HELD_BYTES,
        });
      case "take":
        if (frame.type === "end") this.#held.dropPrompt(from, frame.generation);
        return this.#outside.take(from, frame);
      case "ignore":
        return;
    }
  }

  /** After a change of the room or of the placement: held frames may be taken or refused now. */
  receiveHeld(): void {
    for (const { from, frame } of this.#held.takeAll()) this.receive(from, frame);
  }

  dropSender(peer: MemberId): void {
    this.#held.dropSender(peer);
  }

  refuse(to: MemberId, frame: Frame, failure: StageFailure): void {
    const refusal = refusalOf(frame, failure);
    if (refusal !== null) this.#outside.reply(to, refusal);
  }
}
