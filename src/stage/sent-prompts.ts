/**
 * The requester's side: the prompts that this tab sent and the tokens that come
 * back. Each generation ends exactly once: with a last token, a failure, or a cancel.
 */
import type { EndFrame, Frame, TokenFrame } from "../mesh/index.ts";
import {
  type Cause,
  causeOf,
  type GenerationId,
  type MemberId,
  type StageFailure,
  type GenerationFailure,
  type PromptRequest,
  type TokenEvent,
} from "../shared/index.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import { StageError } from "./stage-error.ts";
import { answerBoundMs } from "./time-bounds.ts";
import { faultOfToken } from "./frame-faults.ts";

export type SentPromptsOutside = {
  send(to: MemberId, frame: Frame): Promise<void>;
  onToken(event: TokenEvent): void;
  onFailure(failure: GenerationFailure): void;
  nowMs(): number;
};

/** A generation in flight: its pipeline, the position of its next token, and when its last one came. */
type Sent = {
  readonly pipelinePosition: PipelinePosition;
  readonly nextToken: number;
  readonly promptTokens: number;
  readonly activeMs: number;
  /** Between two tokens; null before the second. */
  readonly longestGapMs: number | null;
};

export class SentPrompts {
  readonly #sent = new Map<GenerationId, Sent>();
  readonly #outside: SentPromptsOutside;

  constructor(outside: SentPromptsOutside) {
    this.#outside = outside;
  }

  get isBusy(): boolean {
    return this.#sent.size > 0;
  }

  /** Gives up attempts whose next token should have come: stage 0 may have said so, or be gone. */
  look(): void {
    const nowMs = this.#outside.nowMs();
    for (const [generation, sent] of [...this.#sent]) {
      const { stages, predictedMs } = sent.pipelinePosition.pipeline;
      const facts = { stages: stages.length, promptRows: sent.promptTokens, predictedMs };
      const afterMs = nowMs - sent.activeMs;
      const boundMs = answerBoundMs(facts, sent.longestGapMs);
      if (afterMs <= boundMs) continue;
      this.cancel(generation, "interrupted").catch(() => undefined);
      this.#outside.onFailure({ generation, failure: { reason: "lap_late", afterMs, boundMs } });
    }
  }

  /** Resolves when the prompt is sent. Rejects with a `StageError`. */
  async ask(position: PipelinePosition | null, request: PromptRequest): Promise<void> {
    const { generation, placement, ...prompt } = request;
    const promptTokens = prompt.tokens.length;
    if (position?.pipeline.placement !== placement)
      throw new StageError({ reason: "placement_changed" });
    const { self: requester, first, header, pipeline } = position;
    if (promptTokens === 0) throw new StageError({ reason: "prompt_empty" });
    if (promptTokens > pipeline.contextTokens)
      throw new StageError({
        reason: "prompt_too_long",
        promptTokens,
        contextTokens: pipeline.contextTokens,
      });
    this.#sent.set(generation, {
      pipelinePosition: position,
      nextToken: promptTokens,
      promptTokens,
      activeMs: this.#outside.nowMs(),
      longestGapMs: null,
    });
    try {
      await this.#outside.send(first, {
        ...header,
        type: "prompt",
        generation,
        requester,
        ...prompt,
      });
    } catch (error) {
      this.#sent.delete(generation);
      const failure = { reason: "first_stage_unreachable", member: first } as const;
      throw new StageError({ ...failure, cause: causeOf(error) }, { cause: error });
    }
  }

  /** Does nothing if the generation has already ended. */
  async cancel(generation: GenerationId, reason: EndFrame["reason"] = "cancelled"): Promise<void> {
    const sent = this.#sent.get(generation);
    if (sent === undefined) return;
    this.#sent.delete(generation);
    const { first, header } = sent.pipelinePosition;
    const end = { type: "end", generation, reason } as const;
    await this.#outside.send(first, { ...header, ...end });
  }

  token(from: MemberId, frame: TokenFrame): void {
    const { generation, position, token, logprob, top, finish, hopMs } = frame;
    const sent = this.#sent.get(generation);
    if (sent?.pipelinePosition.last !== from) return;
    const failure = faultOfToken(sent.pipelinePosition, frame, sent.nextToken);
    if (failure !== null) {
      // Stage 0 may have got another token, and continue. If it is gone, so is the generation.
      this.cancel(generation).catch(() => undefined);
      this.#outside.onFailure({ generation, failure });
      return;
    }
    if (finish !== null) this.#sent.delete(generation);
    else this.#sent.set(generation, { ...sent, nextToken: position + 1, ...this.#gaps(sent) });
    const computeMs = frame.clocks.map((clock) => clock.computeMs);
    this.#outside.onToken({ generation, position, token, logprob, top, finish, computeMs, hopMs });
  }

  #gaps({ nextToken, promptTokens, activeMs, longestGapMs }: Sent) {
    const nowMs = this.#outside.nowMs();
    const isFirst = nextToken === promptTokens;
    const gapMs = isFirst ? 0 : nowMs - activeMs;
    return { activeMs: nowMs, longestGapMs: Math.max(longestGapMs ?? 0, gapMs) };
  }

  fail(generation: GenerationId, failure: StageFailure): void {
    if (this.#sent.delete(generation)) this.#outside.onFailure({ generation, failure });
  }

  failAll(failure: StageFailure): void {
    for (const generation of [...this.#sent.keys()]) this.fail(generation, failure);
  }

  peerGone(member: MemberId, cause: Cause): void {
    for (const [generation, { pipelinePosition }] of [...this.#sent]) {
      const { first, last } = pipelinePosition;
      if (member === first || member === last)
        this.fail(generation, { reason: "stage_lost", member, cause });
    }
  }
}
