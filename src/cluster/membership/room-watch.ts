/**
 * What a coordinator does besides coordinating: holds the room's name for newcomers, and looks for
 * a second coordinator, which may exist after a partition or after this tab was frozen.
 */
import type { MemberId } from "../../shared/index.ts";
import type { SearchParts } from "../parts.ts";

export type RoomWatchParts = SearchParts & {
  /** Members whose links ended, and that did not say that they leave. */
  readonly missing: () => readonly MemberId[];
  readonly ask: (peer: MemberId) => void;
  /** Another member has held the name for several checks. */
  readonly onNameLost: (holder: MemberId) => void;
};

/** A holder that can be reached has answered by then. */
const NAME_LOST_CHECKS = 8;
/** Of a look-up beside the one that waits as long as it takes: that one may still wait for an earlier holder. */
const SHORT_LOOK_UP_MS = 1500;

/** Returns a function that ends it. */
export function watchRoom(parts: RoomWatchParts): () => void {
  const { self, registry, clock, timings, missing, ask, onNameLost } = parts;
  let cancel = () => undefined as void;
  let isClaiming = false;
  /** The time limits of the look-ups in progress. */
  const lookUps = new Set<number | undefined>();
  let checksWithoutName = 0;
  let stopped = false;

  const askHolder = async (timeoutMs?: number) => {
    if (lookUps.has(timeoutMs)) return;
    lookUps.add(timeoutMs);
    try {
      const holder = await registry.lookUp(timeoutMs);
      if (holder === null || holder === self || stopped) return;
      ask(holder);
      if (checksWithoutName >= NAME_LOST_CHECKS) onNameLost(holder);
    } catch {
      // The holder does not answer: tried again.
    } finally {
      lookUps.delete(timeoutMs);
    }
  };

  const keepName = async () => {
    if (isClaiming) return;
    isClaiming = true;
    try {
      const isHeld = await registry.claim();
      if (stopped) return registry.release();
      checksWithoutName = isHeld ? 0 : checksWithoutName + 1;
      if (isHeld) return;
      void askHolder();
      void askHolder(SHORT_LOOK_UP_MS);
    } catch {
      // The server cannot be reached: tried again.
    } finally {
      isClaiming = false;
    }
  };

  const check = () => {
    if (stopped) return;
    for (const member of missing()) ask(member);
    void keepName();
    cancel = clock.after(timings.watchMs, check);
  };

  check();
  return () => {
    stopped = true;
    cancel();
    registry.release();
  };
}
