/** What a stage sends after a step: hidden rows to the next stage, or the tokens that were sampled. */
import type { SampledToken } from "../engine/index.ts";
import type { PromptFrame, Segment, StageClock, TokenFrame } from "../mesh/index.ts";
import type { StageFailure } from "../shared/index.ts";
import { joined, workOfRows } from "./batch.ts";
import type { GenerationTable } from "./generations.ts";
import type { hiddenSender } from "./hidden-sender.ts";
import { hopTimes } from "./hop-times.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import type { Step } from "./step-runner.ts";
import type { Work } from "./work-queue.ts";

export type StepResultsParts = {
  readonly position: PipelinePosition;
  readonly generations: GenerationTable;
  readonly next: ReturnType<typeof hiddenSender>;
  readonly nowMs: () => number;
  /** To stage 0 and to the requester. */
  readonly tell: (prompt: PromptFrame, frame: TokenFrame) => void;
  readonly fail: (prompt: PromptFrame, failure: StageFailure) => void;
};

export function stepResults(parts: StepResultsParts) {
  const { position, generations, next, nowMs, tell, fail } = parts;
  const { header, isFirst, pipeline, index, self } = position;
  const clocksOf = ({ startMs, computeMs }: Step, { clocks, arrivedAtMs }: Work): StageClock[] => {
    const waitMs = Math.max(0, startMs - arrivedAtMs);
    return [...clocks, { computeMs, waitMs, linkMs: pipeline.linkMs }];
  };
  return {
    /** Resolves once the rows before these have left the channel's buffer, and these are on their way. */
    async sendHidden(step: Step, hidden: Float32Array<ArrayBuffer>, width: number): Promise<void> {
      const sentAtMs = nowMs();
      const kept: Float32Array<ArrayBuffer>[] = [];
      const segments: Segment[] = [];
      let row = 0;
      for (const work of step.batch) {
        const { generation, position: first, count, wireMs } = work;
        const rows = hidden.subarray(row * width, (row + count) * width);
        row += count;
        if (generations.get(generation.id) !== generation) continue; // has ended
        generation.saved.add(first, width, rows);
        generation.sentAtMs = sentAtMs;
        const known = Math.min(count, Math.max(0, generation.sendFrom - first));
        if (known === count) continue;
        const sent = { position: first + known, count: count - known, wireMs };
        segments.push({ generation: generation.id, ...sent, clocks: clocksOf(step, work) });
        kept.push(rows.subarray(known * width));
      }
      if (segments.length === 0) return;
      await next.space;
      const prompts = step.batch.map(({ generation }) => generation.prompt);
      next.rows(segments, joined(kept), prompts);
    },

    sendTokens(step: Step, sampled: readonly SampledToken[]): void {
      const works = workOfRows(step.batch);
      for (const { row, token, logprob, top } of sampled) {
        const work = works[row];
        if (work === undefined) throw new RangeError(`the engine sampled row ${row} of a batch`);
        const { generation, wireMs } = work;
        if (generations.get(generation.id) !== generation) continue; // has ended
        if (token >= pipeline.vocabulary) {
          const failure = { reason: "logits_not_finite", stage: index, member: self } as const;
          fail(generation.prompt, failure);
          continue;
        }
        const end = generation.append(token, pipeline.contextTokens);
        const clocks = clocksOf(step, work);
        generation.sentAtMs = isFirst ? nowMs() : 0;
        const body = { ...end, token, logprob, top, clocks, hopMs: hopTimes(clocks, wireMs) };
        tell(generation.prompt, { ...header, type: "token", generation: generation.id, ...body });
      }
    },
  };
}
