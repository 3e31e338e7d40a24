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
  /** A member has held the name for some looks. */
  readonly onNameLost: (holder: MemberId) => void;
};

/** A holder that can be reached has answered by then. */
const NAME_LOST_LOOKS = 8;
/** Of a look-up beside the one that waits as long as it takes: that one may still wait for an earlier holder. */
const SHORT_LOOK_UP_MS = 1500;

export class RoomWatch {
  readonly #parts: RoomWatchParts;
  #cancel: () => void = () => undefined;
  #isClaiming = false;
  /** The time limits of the look-ups in progress. */
  readonly #lookUps = new Set<number | undefined>();
  #looksWithoutName = 0;
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
    const { registry } = this.#parts;
    if (this.#isClaiming) return;
    this.#isClaiming = true;
    try {
      const isHeld = await registry.claim();
      if (this.#stopped) return registry.release();
      this.#looksWithoutName = isHeld ? 0 : this.#looksWithoutName + 1;
      if (isHeld) return;
      void this.#askHolder();
      void this.#askHolder(SHORT_LOOK_UP_MS);
    } catch {
      // The server cannot be reached: tried again.
    } finally {
      this.#isClaiming = false;
    }
  }

  async #askHolder(timeoutMs?: number): Promise<void> {
    const { registry, self, ask, onNameLost } = this.#parts;
    if (this.#lookUps.has(timeoutMs)) return;
    this.#lookUps.add(timeoutMs);
    try {
      const holder = await registry.lookUp(timeoutMs);
      if (holder === null || holder === self || this.#stopped) return;
      ask(holder);
      if (this.#looksWithoutName >= NAME_LOST_LOOKS) onNameLost(holder);
    } catch {
      // The holder does not answer: tried again.
    } finally {
      this.#lookUps.delete(timeoutMs);
    }
  }
}
