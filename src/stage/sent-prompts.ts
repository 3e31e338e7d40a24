/**
 * The requester's side: the prompts that this tab sent and the tokens that come
 * back. Each generation ends exactly once: with a last token, a failure, or a cancel.
 */
import type { EndFrame, TokenFrame } from "../mesh/index.ts";
import {
  type Cause,
  causeOf,
  FailureError,
  type GenerationId,
  type MemberId,
  type StageFailure,
  type GenerationFailure,
  type PromptRequest,
  type TokenEvent,
} from "../shared/index.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import { hopTimes } from "./hop-times.ts";
import { answerBoundMs } from "./lap-watch.ts";
import { faultOfToken } from "./frame-faults.ts";
import type { StageFrame } from "./frame-intake.ts";

export type SentPromptsOutside = {
  readonly send: (to: MemberId, frame: StageFrame) => Promise<void>;
  readonly onToken: (event: TokenEvent) => void;
  readonly onFailure: (failure: GenerationFailure) => void;
  readonly nowMs: () => number;
};

/** A generation in flight: its pipeline, the position of its next token, and when its last one came. */
type Sent = {
  readonly position: PipelinePosition;
  readonly nextToken: number;
  readonly promptTokens: number;
  readonly activeMs: number;
  /** Between two tokens; null before the second. */
  readonly longestGapMs: number | null;
};

export function sentPrompts({ send, onToken, onFailure, nowMs }: SentPromptsOutside) {
  const prompts = new Map<GenerationId, Sent>();

  /** Does nothing if the generation has already ended. */
  const cancel = async (generation: GenerationId, reason: EndFrame["reason"] = "cancelled") => {
    const sent = prompts.get(generation);
    if (sent === undefined) return;
    prompts.delete(generation);
    const { first, header } = sent.position;
    await send(first, { ...header, type: "end", generation, reason });
  };

  const fail = (generation: GenerationId, failure: StageFailure) => {
    if (prompts.delete(generation)) onFailure({ generation, failure });
  };

  return {
    cancel,
    fail,
    get isBusy() {
      return prompts.size > 0;
    },
    /** Gives up attempts whose next token should have come: stage 0 may have said so, or be gone. */
    look(): void {
      const now = nowMs();
      for (const [generation, sent] of [...prompts]) {
        const { stages, predictedMs } = sent.position.pipeline;
        const facts = { stages: stages.length, promptRows: sent.promptTokens, predictedMs };
        const afterMs = now - sent.activeMs;
        const boundMs = answerBoundMs(facts, sent.longestGapMs);
        if (afterMs <= boundMs) continue;
        cancel(generation, "interrupted").catch(() => undefined);
        onFailure({ generation, failure: { reason: "lap_late", afterMs, boundMs } });
      }
    },
    /** Resolves when the prompt is sent. Rejects with a `FailureError`. */
    async ask(position: PipelinePosition | null, request: PromptRequest): Promise<void> {
      const { generation, placement, ...prompt } = request;
      const promptTokens = prompt.tokens.length;
      if (position?.pipeline.placement !== placement)
        throw new FailureError({ reason: "placement_changed" });
      const { self: requester, first, header, pipeline } = position;
      const { contextTokens } = pipeline;
      if (promptTokens === 0) throw new FailureError({ reason: "prompt_empty" });
      if (promptTokens > contextTokens)
        throw new FailureError({ reason: "prompt_too_long", promptTokens, contextTokens });
      const times = { activeMs: nowMs(), longestGapMs: null };
      prompts.set(generation, { position, nextToken: promptTokens, promptTokens, ...times });
      try {
        await send(first, { ...header, type: "prompt", generation, requester, ...prompt });
      } catch (error) {
        prompts.delete(generation);
        const failure = { reason: "first_stage_unreachable", member: first } as const;
        throw new FailureError({ ...failure, cause: causeOf(error) }, { cause: error });
      }
    },
    token(from: MemberId, frame: TokenFrame): void {
      const { generation, position, token, logprob, top, finish, clocks } = frame;
      const sent = prompts.get(generation);
      if (sent?.position.last !== from) return;
      const failure = faultOfToken(sent.position, frame, sent.nextToken);
      if (failure !== null) {
        // Stage 0 may have got another token, and continue. If it is gone, so is the generation.
        cancel(generation).catch(() => undefined);
        return onFailure({ generation, failure });
      }
      const activeMs = nowMs();
      const gapMs = sent.nextToken === sent.promptTokens ? null : activeMs - sent.activeMs;
      const longestGapMs = Math.max(sent.longestGapMs ?? 0, gapMs ?? 0);
      if (finish !== null) prompts.delete(generation);
      else prompts.set(generation, { ...sent, nextToken: position + 1, activeMs, longestGapMs });
      const computeMs = clocks.map((clock) => clock.computeMs);
      const hopMs = hopTimes(clocks, gapMs);
      onToken({ generation, position, token, logprob, top, finish, computeMs, hopMs });
    },
    failAll(failure: StageFailure): void {
      for (const generation of [...prompts.keys()]) fail(generation, failure);
    },
    peerGone(member: MemberId, cause: Cause): void {
      for (const [generation, { position }] of [...prompts])
        if (member === position.first || member === position.last)
          fail(generation, { reason: "stage_lost", member, cause });
    },
  };
}
