/**
 * Combines device states into few events: the first is sent at once, so that it reaches
 * every member well within 500 ms; those that follow soon are sent together.
 */
import type { Clock, MemberId, DeviceState } from "../../shared/index.ts";

type Sample = { readonly member: MemberId; readonly device: DeviceState };

export function gatherSamples(
  clock: Clock,
  gatherMs: number,
  onGathered: (states: Sample[]) => void,
): { add(member: MemberId, device: DeviceState): void; stop(): void } {
  const waiting = new Map<MemberId, DeviceState>();
  let cancelTimer: (() => void) | null = null;
  const flush = () => {
    cancelTimer = null;
    if (waiting.size === 0) return;
    const states = [...waiting].map(([member, device]) => ({ member, device }));
    waiting.clear();
    cancelTimer = clock.after(gatherMs, flush);
    onGathered(states);
  };
  return {
    add(member, device) {
      waiting.set(member, device);
      if (cancelTimer === null) flush();
    },
    stop() {
      cancelTimer?.();
      cancelTimer = null;
      waiting.clear();
    },
  };
}
