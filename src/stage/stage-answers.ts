/**
 * When the answers of a stage begin and end, and who is told: the prompts that wait for a sequence slot,
 * and the generations that have one. Computes nothing.
 */
import type { EndFrame, FailureFrame, PromptFrame, TokenFrame } from "../mesh/index.ts";
import {
  type Cause,
  causeOf,
  isRetried,
  type MemberId,
  type StageFailure,
} from "../shared/index.ts";
import type { Generation, GenerationTable } from "./generations.ts";
import type { StageFrame } from "./frame-intake.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import type { Standing } from "./room-view.ts";

export type AnswersOutside = {
  readonly send: (to: MemberId, frame: StageFrame) => Promise<void>;
  /** Tells the sender of a frame why it was not taken. */
  refuse(to: MemberId, frame: StageFrame, failure: StageFailure): void;
  standing(generation: Generation["id"], requester: MemberId): Standing;
  readonly nowMs: () => number;
  /** The next stages have its prompt. */
  onBegin(generation: Generation): void;
  onEnd(generation: Generation): void;
};

export class StageAnswers {
  readonly #position: PipelinePosition;
  readonly #generations: GenerationTable;
  readonly #outside: AnswersOutside;
  /** Stage 0: prompts that wait for a sequence slot. */
  #waiting: PromptFrame[] = [];

  constructor(position: PipelinePosition, generations: GenerationTable, outside: AnswersOutside) {
    this.#position = position;
    this.#generations = generations;
    this.#outside = outside;
  }

  prompt(frame: PromptFrame): void {
    const { isFirst, pipeline } = this.#position;
    const { contextTokens, vocabulary } = pipeline;
    const promptTokens = frame.tokens.length;
    const unknown = frame.tokens.find((token) => token >= vocabulary);
    if (promptTokens > contextTokens)
      this.#tellFailure(frame, { reason: "prompt_too_long", promptTokens, contextTokens });
    else if (unknown !== undefined)
      this.#tellFailure(frame, { reason: "prompt_token_unknown", token: unknown, vocabulary });
    else if (isFirst && !this.#generations.hasFreeSlot()) this.#waiting.push(frame);
    else this.#begin(frame);
  }

  ended(from: MemberId, frame: EndFrame): void {
    const { previous, self } = this.#position;
    const waiting = this.#waiting.find(({ generation }) => generation === frame.generation);
    const prompt = this.#generations.get(frame.generation)?.prompt ?? waiting;
    if (prompt === undefined) return; // it has ended already
    if (from !== previous && from !== prompt.requester)
      return this.#outside.refuse(from, frame, {
        reason: "unexpected_sender",
        member: self,
        frame: "end",
      });
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
    this.end(frame.generation, frame.reason);
  }

  /**
   * Some stage cannot continue. Stage 0 makes all of them free the generation; one whose frame the
   * next stage refused reports that to stage 0 and to the requester.
   */
  failed(from: MemberId, { generation, failure }: FailureFrame): void {
    const { isFirst, next } = this.#position;
    const prompt = this.#generations.get(generation)?.prompt;
    if (from === next && prompt !== undefined) return this.fail(prompt, failure);
    if (isFirst) this.end(generation, isRetried(failure) ? "interrupted" : "failed");
  }

  /** Tells every requester why its answer ends here. */
  failAll(failure: StageFailure): void {
    const admitted = this.#generations.all().map(({ prompt }) => prompt);
    [...this.#waiting, ...admitted].forEach((prompt) => this.fail(prompt, failure));
  }

  peerGone(member: MemberId, cause: Cause): void {
    const { first, last, previous, next, isFirst, isLast } = this.#position;
    const isNeighbor = member === previous || member === next;
    if (isNeighbor || (isLast && member === first) || (isFirst && member === last))
      this.failAll({ reason: "stage_lost", member, cause });
    if (!isFirst) return;
    for (const { id, prompt } of this.#generations.all())
      if (prompt.requester === member) this.end(id, "cancelled");
    this.#waiting = this.#waiting.filter(({ requester }) => requester !== member);
  }

  /** Ends the generations that the room does not run any more. */
  roomChanged(): void {
    const isOver = ({ generation, requester }: PromptFrame) =>
      this.#outside.standing(generation, requester) === "refused";
    this.#waiting = this.#waiting.filter((prompt) => !isOver(prompt));
    // The room's log does not say whether another attempt follows.
    for (const { id, prompt } of this.#generations.all())
      if (isOver(prompt)) this.end(id, "interrupted");
  }

  /** A frame to `member` could not be sent: the generations of these prompts end. */
  lost(member: MemberId, prompts: readonly PromptFrame[], error: unknown): void {
    const failure = { reason: "stage_lost", member, cause: causeOf(error) } as const;
    for (const prompt of prompts) this.fail(prompt, failure);
  }

  /** Frees a generation here and on later stages; a waiting prompt takes its slot. */
  end(id: Generation["id"], reason: EndFrame["reason"]): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) return;
    this.#generations.remove(generation, reason === "interrupted");
    this.#outside.onEnd(generation);
    this.#forward({ ...this.#position.header, type: "end", generation: id, reason });
    const waiting = this.#position.isFirst ? this.#waiting.shift() : undefined;
    if (waiting !== undefined) this.#begin(waiting);
  }

  fail(prompt: PromptFrame, failure: StageFailure): void {
    const isWaiting = this.#waiting.includes(prompt);
    const generation = this.#generations.get(prompt.generation);
    if (!isWaiting && generation?.prompt !== prompt) return; // has already ended
    this.#waiting = this.#waiting.filter((other) => other !== prompt);
    this.#tellFailure(prompt, failure);
    this.end(prompt.generation, isRetried(failure) ? "interrupted" : "failed");
  }

  /** To stage 0 and to the requester; once if they are one. */
  tell({ requester }: PromptFrame, frame: TokenFrame | FailureFrame): void {
    for (const member of new Set([this.#position.first, requester]))
      // The end of its channel reports a member that cannot be reached.
      this.#outside.send(member, frame).catch(() => undefined);
  }

  /** Sends nothing: interrupted generations may be resumed in another pipeline. */
  stop(): void {
    this.#waiting = [];
    for (const generation of this.#generations.all()) this.#generations.remove(generation, true);
  }

  #begin(frame: PromptFrame): void {
    const generation = this.#generations.add(frame, this.#outside.nowMs());
    if (generation === null) return this.#tellFailure(frame, { reason: "no_free_slot" });
    generation.awaitsResume = frame.resumes;
    this.#forward(frame);
    this.#outside.onBegin(generation);
  }

  #forward(frame: PromptFrame | EndFrame): void {
    const { next } = this.#position;
    if (next === null) return;
    this.#outside
      .send(next, frame)
      .catch((error: unknown) => this.lost(next, frame.type === "prompt" ? [frame] : [], error));
  }

  #tellFailure(prompt: PromptFrame, failure: StageFailure): void {
    const { generation } = prompt;
    this.tell(prompt, { ...this.#position.header, type: "failure", generation, failure });
  }
}
