/**
 * What a coordinator does besides coordinating: holds the room's name for newcomers, and looks for
 * a second coordinator, which may exist after a partition or after this tab was frozen.
 */
import type { Clock, MemberId } from "../../shared/index.ts";
import type { RoomRegistry } from "../parts.ts";

export type RoomWatchParts = {
  readonly self: MemberId;
  readonly registry: RoomRegistry;
  readonly clock: Clock;
  readonly watchMs: number;
  /** Members whose links ended without a word. */
  readonly missing: () => readonly MemberId[];
  readonly ask: (peer: MemberId) => void;
};

export class RoomWatch {
  readonly #parts: RoomWatchParts;
  #cancel: () => void = () => undefined;
  #asksServer = false;
  #stopped = false;

  constructor(parts: RoomWatchParts) {
    this.#parts = parts;
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#parts.registry.release();
  }

  #look(): void {
    if (this.#stopped) return;
    const { clock, watchMs, missing, ask } = this.#parts;
    for (const member of missing()) ask(member);
    void this.#keepName();
    this.#cancel = clock.after(watchMs, () => this.#look());
  }

  async #keepName(): Promise<void> {
    const { registry, self, ask } = this.#parts;
    if (this.#asksServer) return;
    this.#asksServer = true;
    try {
      const isHeld = await registry.claim();
      if (this.#stopped) return registry.release();
      if (isHeld) return;
      const holder = await registry.lookUp();
      if (holder !== null && holder !== self && !this.#stopped) ask(holder);
    } catch {
      // The server cannot be reached, or the holder does not answer: tried again.
    } finally {
      this.#asksServer = false;
    }
  }
}
