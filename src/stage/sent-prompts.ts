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
import { faultOfToken } from "./token-fault.ts";

export type SentPromptsOutside = {
  send(to: MemberId, frame: Frame): Promise<void>;
  onToken(event: TokenEvent): void;
  onFailure(failure: GenerationFailure): void;
};

/** A generation in flight: its pipeline, and the position of its next token. */
type Sent = { readonly pipelinePosition: PipelinePosition; readonly nextToken: number };

export class SentPrompts {
  readonly #sent = new Map<GenerationId, Sent>();
  readonly #outside: SentPromptsOutside;

  constructor(outside: SentPromptsOutside) {
    this.#outside = outside;
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
    this.#sent.set(generation, { pipelinePosition: position, nextToken: promptTokens });
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
    else this.#sent.set(generation, { ...sent, nextToken: position + 1 });
    const computeMs = frame.clocks.map((clock) => clock.computeMs);
    this.#outside.onToken({ generation, position, token, logprob, top, finish, computeMs, hopMs });
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
