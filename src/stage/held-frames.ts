/**
 * Frames that came before this tab knows whether to take them: the placement or the start
 * of the generation is still on its way through the room's log. Limited per sender, so that
 * a member that sends junk fills only its own share.
 */
import { encode, type Frame, WAITING_FRAME_BYTES } from "../mesh/index.ts";
import type { GenerationId, MemberId } from "../shared/index.ts";

export type HeldFrame = { readonly from: MemberId; readonly frame: Frame };

/** Of one sender: two prompts of a million tokens. */
export const MAX_HELD_BYTES = 8 * 1024 * 1024;

export class HeldFrames {
  #held: HeldFrame[] = [];
  readonly #bytes = new Map<MemberId, number>();

  /** False if the sender's share is full. */
  add(from: MemberId, frame: Frame): boolean {
    const before = this.#bytes.get(from) ?? 0;
    const bytes = before + encode(frame).byteLength + WAITING_FRAME_BYTES;
    if (bytes > MAX_HELD_BYTES) return false;
    this.#bytes.set(from, bytes);
    this.#held.push({ from, frame });
    return true;
  }

  /** In the order in which they came. */
  takeAll(): HeldFrame[] {
    this.#bytes.clear();
    return this.#held.splice(0);
  }

  /** The requester cancelled a generation whose prompt is held. */
  dropPrompt(from: MemberId, generation: GenerationId): void {
    this.#keep(
      ({ from: sender, frame }) =>
        sender !== from || frame.type !== "prompt" || frame.generation !== generation,
    );
  }

  dropSender(peer: MemberId): void {
    this.#keep(({ from }) => from !== peer);
  }

  #keep(wanted: (held: HeldFrame) => boolean): void {
    const kept = this.takeAll().filter(wanted);
    kept.forEach(({ from, frame }) => this.add(from, frame));
  }
}
