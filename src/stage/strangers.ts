/**
 * Frames of tabs that are not members, as far as this tab knows. The room's log may be behind, so they
 * wait for a short time; what is not taken by then, and what comes later, is refused with a reason.
 */
import { type FramePort, WAITING_FRAME_BYTES } from "../mesh/index.ts";
import type { Clock } from "../shared/index.ts";

/** Of one tab: two prompts of a million tokens. */
export const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** The log is behind by a few messages at most. */
export const STRANGER_MS = 3000;

type Bytes = Uint8Array<ArrayBuffer>;

type Stranger = {
  waiting: Bytes[];
  waitingBytes: number;
  /** It has not become a member in time. */
  isRefused: boolean;
  readonly cancel: () => void;
};

export function strangers(clock: Clock, refuse: (port: FramePort, bytes: Bytes) => void) {
  const known = new Map<FramePort, Stranger>();
  const begin = (port: FramePort): Stranger => {
    const cancel = clock.after(STRANGER_MS, () => {
      stranger.isRefused = true;
      stranger.waiting.splice(0).forEach((bytes) => refuse(port, bytes));
    });
    const stranger: Stranger = { waiting: [], waitingBytes: 0, isRefused: false, cancel };
    known.set(port, stranger);
    return stranger;
  };
  return {
    /** False if more of its frames wait than may. */
    add(port: FramePort, bytes: Bytes): boolean {
      const stranger = known.get(port) ?? begin(port);
      if (stranger.isRefused) {
        refuse(port, bytes);
        return true;
      }
      stranger.waitingBytes += bytes.byteLength + WAITING_FRAME_BYTES;
      stranger.waiting.push(bytes);
      return stranger.waitingBytes <= MAX_WAITING_BYTES;
    },
    /** It is a member now, or gone. Returns the frames that wait, in the order in which they came. */
    release(port: FramePort): readonly Bytes[] {
      const stranger = known.get(port);
      known.delete(port);
      stranger?.cancel();
      return stranger?.waiting ?? [];
    },
  };
}
