/**
 * Takes, holds, or refuses each frame that arrives, by the rules of `frame-rules.ts`. No frame of a
 * member is dropped silently: it is held within the sender's share, or refused with a reason.
 */
import type { Frame } from "../mesh/index.ts";
import type { GenerationId, MemberId, StageFailure } from "../shared/index.ts";
import { judgeFrame, type Receiver } from "./frame-rules.ts";
import { HeldFrames, MAX_HELD_BYTES } from "./held-frames.ts";
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

  /** Carries the placement of the refused frame: its sender ignores frames of another one. */
  refuse(to: MemberId, frame: Frame, failure: StageFailure): void {
    const { placement, epoch } = frame;
    const generation = generationOf(frame);
    if (generation === null) return;
    this.#outside.reply(to, { type: "failure", placement, epoch, generation, failure });
  }
}

/** The generation that a frame is about, the first one of several; null for one that is never refused. */
function generationOf(frame: Frame): GenerationId | null {
  if (frame.type === "hidden") return frame.segments[0]!.generation;
  switch (frame.type) {
    case "prompt":
    case "token":
    case "end":
    case "resume":
      return frame.generation;
    default:
      return null;
  }
}
