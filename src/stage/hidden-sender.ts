/**
 * The hidden rows that a stage sends to the next one: one frame after the other, in the order of the
 * calls, so that kept rows arrive before those that are computed later. Knows no generations' ends.
 */
import type { HiddenFrame, PromptFrame, Segment } from "../mesh/index.ts";
import type { Generation } from "./generations.ts";
import type { PipelinePosition } from "./pipeline-position.ts";

export type HiddenSenderOutside = {
  readonly send: (to: PipelinePosition["self"], frame: HiddenFrame) => Promise<void>;
  /** The next stage cannot be reached: the generations of these prompts end. */
  readonly lost: (prompts: readonly PromptFrame[], error: unknown) => void;
};

/** Of kept rows in one frame: what a sender may have in its channel's buffer. */
const MAX_REPLAY_BYTES = 1024 * 1024;

/** `width` is numbers per row. */
export function hiddenSender(
  position: PipelinePosition,
  width: number,
  { send, lost }: HiddenSenderOutside,
) {
  let sending: Promise<void> = Promise.resolve();
  let stopped = false;
  /** `hidden` is [sum of the segments' counts, width]. */
  const rows = (
    segments: readonly Segment[],
    hidden: Float32Array<ArrayBuffer>,
    prompts: readonly PromptFrame[],
  ) => {
    const frame: HiddenFrame = { ...position.header, type: "hidden", width, segments, hidden };
    sending = sending.then(async () => {
      if (stopped) return;
      await send(position.next!, frame).catch((error: unknown) => lost(prompts, error));
    });
  };
  return {
    rows,
    /** What has not left is not sent. */
    stop(): void {
      stopped = true;
    },
    /** Back-pressure: resolves when the previous frame has left the channel's buffer. */
    get space(): Promise<void> {
      return sending;
    },
    /** The kept rows `[from, to)` of a generation, at most `maxRows` in a frame. */
    savedRows(generation: Generation, from: number, to: number, maxRows: number): void {
      const { id, prompt, wireMs, saved } = generation;
      const clock = { computeMs: 0, waitMs: 0, linkMs: 0 };
      const clocks = Array.from({ length: position.index + 1 }, () => clock);
      const rowBytes = width * Float32Array.BYTES_PER_ELEMENT;
      const step = Math.max(1, Math.min(maxRows, Math.floor(MAX_REPLAY_BYTES / rowBytes)));
      for (let first = from; first < to; first += step) {
        const count = Math.min(step, to - first);
        const segment = { generation: id, position: first, count, wireMs, clocks };
        rows([segment], saved.read(first, first + count), [prompt]);
      }
    },
  };
}
