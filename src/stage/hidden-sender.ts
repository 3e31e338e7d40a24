/**
 * The hidden rows that a stage sends to the next one: one frame after the other, in the order of the
 * calls, so that kept rows arrive before those that are computed later. Knows no generations' ends.
 */
import type { Frame, HiddenFrame, PromptFrame, Segment } from "../mesh/index.ts";
import type { Generation } from "./generations.ts";
import type { PipelinePosition } from "./pipeline-position.ts";

export type HiddenSenderOutside = {
  send(to: PipelinePosition["self"], frame: Frame): Promise<void>;
  /** The next stage cannot be reached: the generations of these prompts end. */
  lost(prompts: readonly PromptFrame[], error: unknown): void;
};

/** Of kept rows in one frame: what a sender may have in its channel's buffer. */
const MAX_REPLAY_BYTES = 1024 * 1024;

export class HiddenSender {
  readonly #position: PipelinePosition;
  /** Numbers per row. */
  readonly #width: number;
  readonly #outside: HiddenSenderOutside;
  #sending: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(position: PipelinePosition, width: number, outside: HiddenSenderOutside) {
    this.#position = position;
    this.#width = width;
    this.#outside = outside;
  }

  /** What has not left is not sent. */
  stop(): void {
    this.#stopped = true;
  }

  /** Back-pressure: resolves when the previous frame has left the channel's buffer. */
  get space(): Promise<void> {
    return this.#sending;
  }

  /** `hidden` is [sum of the segments' counts, width]. */
  rows(
    segments: readonly Segment[],
    hidden: Float32Array<ArrayBuffer>,
    prompts: readonly PromptFrame[],
  ): void {
    const body = { width: this.#width, segments, hidden };
    this.#queue({ ...this.#position.header, type: "hidden", ...body }, prompts);
  }

  /** The kept rows `[from, to)` of a generation, at most `maxRows` in a frame. */
  savedRows(generation: Generation, from: number, to: number, maxRows: number): void {
    const { id, prompt, wireMs, saved } = generation;
    const clock = { computeMs: 0, waitMs: 0, linkMs: 0 };
    const clocks = Array.from({ length: this.#position.index + 1 }, () => clock);
    const rowBytes = this.#width * Float32Array.BYTES_PER_ELEMENT;
    const step = Math.max(1, Math.min(maxRows, Math.floor(MAX_REPLAY_BYTES / rowBytes)));
    for (let position = from; position < to; position += step) {
      const count = Math.min(step, to - position);
      const segment = { generation: id, position, count, wireMs, clocks };
      this.rows([segment], saved.read(position, position + count), [prompt]);
    }
  }

  #queue(frame: HiddenFrame, prompts: readonly PromptFrame[]): void {
    this.#sending = this.#sending.then(async () => {
      if (this.#stopped) return;
      await this.#outside
        .send(this.#position.next!, frame)
        .catch((error: unknown) => this.#outside.lost(prompts, error));
    });
  }
}
