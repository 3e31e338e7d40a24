/**
 * The asking side: prompts that this tab sent, and the tokens that come back.
 * Each generation ends exactly once: with a last token, a failure or a cancel.
 */
import type { Frame, TokenFrame } from "../mesh/frames.ts";
import type { GenerationId, MemberId } from "../shared/ids.ts";
import type { Seat } from "./seat.ts";
import type { GenerationFailure, PromptRequest, TokenEvent } from "./types.ts";
import { errorMessage } from "../shared/error-message.ts";

export type AskerOutside = {
  send(to: MemberId, frame: Frame): Promise<void>;
  onToken(event: TokenEvent): void;
  onFailure(failure: GenerationFailure): void;
};

export class Asker {
  private readonly asked = new Map<GenerationId, Seat>();
  private readonly outside: AskerOutside;

  constructor(outside: AskerOutside) {
    this.outside = outside;
  }

  /** Resolves when the prompt is on its way; rejects, in words, when it cannot be. */
  async ask(seat: Seat | null, request: PromptRequest): Promise<void> {
    const { generation, placement, tokens, sampling, maxTokens, endTokens } = request;
    if (seat?.pipeline.placement !== placement)
      throw new Error("The model is being placed anew. Ask again when it is ready.");
    const { contextTokens } = seat.pipeline;
    if (tokens.length === 0) throw new Error("The prompt is empty.");
    if (tokens.length > contextTokens)
      throw new Error(
        `The prompt has ${tokens.length} tokens, and the room's context holds ${contextTokens}. Shorten it, or raise the context in the room's settings.`,
      );
    this.asked.set(generation, seat);
    const asker = seat.self;
    const rest = { generation, asker, maxTokens, sampling, endTokens, tokens };
    try {
      await this.outside.send(seat.first, { ...seat.header, type: "prompt", ...rest });
    } catch (error) {
      this.asked.delete(generation);
      throw new Error(`The first stage cannot be reached: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }

  /** Does nothing when the generation has ended already. */
  async cancel(generation: GenerationId): Promise<void> {
    const seat = this.asked.get(generation);
    if (seat === undefined) return;
    this.asked.delete(generation);
    await this.outside.send(seat.first, {
      ...seat.header,
      type: "end",
      generation,
      reason: "cancelled",
    });
  }

  token(from: MemberId, frame: TokenFrame): void {
    const { generation, position, token, logprob, top, finish, hopMs } = frame;
    if (this.asked.get(generation)?.last !== from) return;
    if (finish !== null) this.asked.delete(generation);
    const computeMs = frame.clocks.map((clock) => clock.computeMs);
    this.outside.onToken({ generation, position, token, logprob, top, finish, computeMs, hopMs });
  }

  fail(generation: GenerationId, message: string): void {
    if (this.asked.delete(generation)) this.outside.onFailure({ generation, message });
  }

  failAll(message: string): void {
    for (const generation of [...this.asked.keys()]) this.fail(generation, message);
  }

  peerGone(peer: MemberId, reason: string): void {
    for (const [generation, seat] of [...this.asked])
      if (peer === seat.first || peer === seat.last)
        this.fail(generation, lostMember(peer, reason));
  }
}

export function lostMember(peer: MemberId, reason: string): string {
  return `The connection to ${peer}, which holds part of the model, broke (${reason}). Ask again when the room has placed the model anew.`;
}
