/**
 * What a stage sends after a step: hidden rows to the next stage, or the tokens that were sampled. Rows
 * leave in one frame after the other, in the order of the calls, so that kept rows arrive before those
 * that are computed later.
 */
import type { SampledToken } from "../engine/index.ts";
import type { HiddenFrame, PromptFrame, Segment, StageClock } from "../mesh/index.ts";
import type { Generation, GenerationTable } from "./generations.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import type { AnswersOutside, StageAnswers } from "./stage-answers.ts";
import type { Step } from "./step-runner.ts";
import { joined, type Work, workOfRows } from "./work-queue.ts";

/** Of kept rows in one frame: what a sender may have in its channel's buffer. */
const MAX_REPLAY_BYTES = 1024 * 1024;

/** `width` is numbers per hidden row. */
export function stepResults(
  position: PipelinePosition,
  width: number,
  generations: GenerationTable,
  answers: StageAnswers,
  { send, nowMs }: Pick<AnswersOutside, "send" | "nowMs">,
) {
  const { header, isFirst, pipeline, index, self, next } = position;
  let sending: Promise<void> = Promise.resolve();
  let stopped = false;

  const clocksOf = ({ startMs, computeMs }: Step, { clocks, arrivedAtMs }: Work): StageClock[] => {
    const waitMs = Math.max(0, startMs - arrivedAtMs);
    return [...clocks, { computeMs, waitMs, linkMs: pipeline.linkMs }];
  };

  /** `hidden` is [sum of the segments' counts, width]. */
  const sendRows = (
    segments: readonly Segment[],
    hidden: Float32Array<ArrayBuffer>,
    prompts: readonly PromptFrame[],
  ) => {
    const frame: HiddenFrame = { ...header, type: "hidden", width, segments, hidden };
    sending = sending.then(async () => {
      if (stopped) return;
      await send(next!, frame).catch((error: unknown) => answers.lost(next!, prompts, error));
    });
  };

  return {
    /** Rows that have not left are not sent. */
    stop(): void {
      stopped = true;
    },

    /** The kept rows `[from, to)` of a generation, at most `maxRows` in a frame. */
    sendSaved(generation: Generation, from: number, to: number, maxRows: number): void {
      const { id, prompt, saved } = generation;
      const clock = { computeMs: 0, waitMs: 0, linkMs: 0 };
      const clocks = Array.from({ length: index + 1 }, () => clock);
      const rowBytes = width * Float32Array.BYTES_PER_ELEMENT;
      const step = Math.max(1, Math.min(maxRows, Math.floor(MAX_REPLAY_BYTES / rowBytes)));
      for (let first = from; first < to; first += step) {
        const count = Math.min(step, to - first);
        const segment = { generation: id, position: first, count, clocks };
        sendRows([segment], saved.read(first, first + count), [prompt]);
      }
    },

    /** Resolves once the rows before these have left the channel's buffer, and these are on their way. */
    async sendHidden(step: Step, hidden: Float32Array<ArrayBuffer>): Promise<void> {
      const sentAtMs = nowMs();
      const kept: Float32Array<ArrayBuffer>[] = [];
      const segments: Segment[] = [];
      let row = 0;
      for (const work of step.batch) {
        const { generation, position: first, count } = work;
        const rows = hidden.subarray(row * width, (row + count) * width);
        row += count;
        if (generations.get(generation.id) !== generation) continue; // has ended
        generation.saved.add(first, width, rows);
        generation.sentAtMs = sentAtMs;
        const known = Math.min(count, Math.max(0, generation.sendFrom - first));
        if (known === count) continue;
        const sent = { position: first + known, count: count - known };
        segments.push({ generation: generation.id, ...sent, clocks: clocksOf(step, work) });
        kept.push(rows.subarray(known * width));
      }
      if (segments.length === 0) return;
      await sending;
      const prompts = step.batch.map(({ generation }) => generation.prompt);
      sendRows(segments, joined(kept), prompts);
    },

    sendTokens(step: Step, sampled: readonly SampledToken[]): void {
      const works = workOfRows(step.batch);
      for (const { row, token, logprob, top } of sampled) {
        const work = works[row];
        if (work === undefined) throw new RangeError(`the engine sampled row ${row} of a batch`);
        const { generation } = work;
        if (generations.get(generation.id) !== generation) continue; // has ended
        if (token >= pipeline.vocabulary) {
          const failure = { reason: "logits_not_finite", stage: index, member: self } as const;
          answers.fail(generation.prompt, failure);
          continue;
        }
        const end = generation.append(token, pipeline.contextTokens);
        const clocks = clocksOf(step, work);
        generation.sentAtMs = isFirst ? nowMs() : 0;
        const body = { ...end, token, logprob, top, clocks };
        const frame = { ...header, type: "token", generation: generation.id, ...body } as const;
        answers.tell(generation.prompt, frame);
      }
    },
  };
}
