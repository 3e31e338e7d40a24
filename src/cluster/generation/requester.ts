/**
 * Requests answers for this tab: asks the coordinator for a turn, sends the prompt
 * to stage 0, and turns the tokens that come back into text.
 *
 * If a stage is lost, the requester continues with the prompt and the tokens so far
 * under the next placement. The random number of a token depends only on the seed
 * and the token's position, so the answer continues as it would have. Each request has a
 * key, so that the room answers it once however often it is repeated.
 *
 * Over 250 lines: each step of an answer ends in the same waiting for another placement.
 */
import {
  failureOf,
  type GenerationId,
  isRetried,
  type MemberId,
  type ModelSummary,
  type RecoveryProgress,
  RoomError,
  roomFailureOf,
  type RoomFailure,
  type Placement,
  type GenerationFailure,
  type TokenEvent,
} from "../../shared/index.ts";
import { type AnswerRun, prepareAnswer } from "./answer-run.ts";
import type { AnswerEvent, AskRequest } from "./answer.ts";
import { generationSignals, type Signal } from "./generation-signals.ts";
import type { PushQueue } from "./push-queue.ts";
import { watchRecovery } from "./recovery-progress.ts";
import { retrySource } from "../member/retry-source.ts";
import type { MemberParts } from "../membership/room-access.ts";

export type RequesterParts = MemberParts & {
  /** Resolves once this tab's stage knows the pipeline of the room's placement. */
  readonly pipelineSet: () => Promise<void>;
};

/** An answer that loses its stages more often than this without a token in between fails. */
const MAX_RESUMES = 8;

/** After a failure that is not retried: how long the room has to notice that it lost a member. */
const NOTICE_LOSS_MS = 3000;
/** Before another turn is asked for, longer each time: the reports may be on their way. */
const RETRY_MS = 400;

/** How an attempt ends: in the room, and in the stages (null if they have ended it). */
type End = {
  readonly outcome: "done" | "stopped" | "failed";
  readonly error: RoomFailure | null;
  readonly cancel: "cancelled" | "interrupted" | null;
};

const CANCELED: End = { outcome: "stopped", error: null, cancel: "cancelled" };

export class Requester {
  readonly #parts: RequesterParts;
  readonly #signals: ReturnType<typeof generationSignals>;

  constructor(parts: RequesterParts) {
    this.#parts = parts;
    this.#signals = generationSignals(parts.room, (unread) => this.#end(unread, 0, CANCELED));
  }

  onToken(event: TokenEvent): void {
    this.#signals.push(event.generation, { kind: "token", event });
  }

  onFailure(failed: GenerationFailure): void {
    this.#signals.push(failed.generation, { kind: "stage_failed", ...failed });
  }

  /** Rejects with a `RoomError`; an abort is not an error but a "cancelled" finish. */
  async *ask(request: AskRequest): AsyncGenerator<AnswerEvent, void> {
    const { room, models, clock, timings, random } = this.#parts;
    const startMs = clock.nowMs();
    const { placement } = room.state;
    if (!placement) throw new RoomError({ reason: "no_model_placed" });
    const { model } = placement;
    const textOf = async (each: ModelSummary) => {
      const isWanted = () => request.signal?.aborted !== true;
      const retry = { clock, retryMs: timings.sourceRetryMs, isWanted };
      const text = await retrySource(() => models.text(each), retry);
      if (text === null) throw new RoomError({ reason: "cancelled" });
      return text;
    };
    const key = randomKey(random);
    const run = await prepareAnswer(request, model, textOf, startMs, key);
    yield { kind: "prepared", model: model.name, promptTokens: run.prompt };
    let resumes = 0;
    for (let attempt = 0; ; attempt++) {
      const before = run.answerTokens;
      const lost = yield* this.#attempt(run, attempt);
      if (lost === null) return;
      resumes = run.answerTokens > before ? 0 : resumes + 1;
      if (resumes > MAX_RESUMES) throw new RoomError(lost);
      yield { kind: "interrupted", failure: lost };
    }
  }

  /** One turn in the room. Returns null when the answer is complete, else why it must continue. */
  async *#attempt(
    run: AnswerRun,
    attempt: number,
  ): AsyncGenerator<AnswerEvent, RoomFailure | null> {
    const { clock, room } = this.#parts;
    const { signal } = run.request;
    const { placement } = room.state;
    if (placement && run.tokens.length > placement.contextTokens && attempt > 0) {
      yield run.finish("length", clock.nowMs());
      return null;
    }
    if (signal?.aborted) {
      yield run.finish("cancelled", clock.nowMs());
      return null;
    }
    const { queue, close } = this.#signals.request({
      type: "request_generation",
      key: `${run.key}.${attempt}`,
      continues: attempt > 0,
      promptTokens: run.tokens.length,
      maxTokens: run.tokensLeft(run.model.contextTokens),
    });
    const onAbort = () => queue.push({ kind: "cancelled" });
    let id: GenerationId | null = null;
    const onProgress = (progress: RecoveryProgress) => queue.push({ kind: "recovering", progress });
    const endWatch =
      attempt > 0 ? watchRecovery(room, () => id, onProgress) : () => undefined as void;
    let cancelVerdict: (() => void) | null = null;
    signal?.addEventListener("abort", onAbort);
    let end = CANCELED;
    try {
      for await (const next of queue) {
        switch (next.kind) {
          case "recovering":
            yield next;
            break;
          case "queued":
            id = next.generation;
            yield next;
            break;
          case "started":
            yield next;
            await this.#send(run, next.generation, attempt);
            break;
          case "token": {
            const event = run.take(next.event, clock.nowMs());
            if (!event) break;
            endWatch();
            yield event;
            const finish = next.event.finish ?? (run.stopped ? "stop" : null);
            if (finish === null) break;
            end = { ...CANCELED, outcome: "done" };
            if (next.event.finish !== null) end = { ...end, cancel: null };
            yield run.finish(finish, clock.nowMs());
            return null;
          }
          case "cancelled":
            yield run.finish("cancelled", clock.nowMs());
            return null;
          case "interrupted":
            end = { ...end, cancel: "interrupted" };
            return next.failure;
          case "failed":
            throw new RoomError(next.failure);
          case "stage_failed":
            // The room may know why, or notice a loss: then its signal comes first.
            cancelVerdict ??= this.#judgeLater(next.failure, attempt, queue);
            break;
        }
      }
      return { reason: "tab_left" };
    } catch (error) {
      end = { ...end, outcome: "failed", error: roomFailureOf(error) };
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      endWatch();
      cancelVerdict?.();
      close();
      if (id !== null) this.#end(id, run.answerTokens, end);
    }
  }

  /** Sends the prompt, and what was answered before, to stage 0. */
  async #send(run: AnswerRun, generation: GenerationId, attempt: number): Promise<void> {
    const { room, stage, linkFrames, pipelineSet } = this.#parts;
    const { placement } = room.state;
    if (!placement) return;
    const { model } = run;
    if (placement.model.contentId !== model.contentId) {
      const placed = placement.model.name;
      throw new RoomError({ reason: "model_changed", model: model.name, placed });
    }
    try {
      await pipelineSet();
      for (const peer of endsOf(placement)) {
        if (peer !== room.self) await linkFrames(peer);
      }
      await stage.ask({
        generation,
        placement: placement.id,
        answer: run.key,
        resumes: attempt > 0,
        tokens: run.tokens,
        sampling: run.request.sampling,
        maxTokens: run.tokensLeft(placement.contextTokens),
        endTokens: run.text.endTokens,
      });
    } catch (error) {
      const failure = failureOf(error);
      this.#signals.push(generation, { kind: "stage_failed", generation, failure });
    }
  }

  /** Ends the attempt after a stage's failure, unless the room does it before. Returns a function that cancels it. */
  #judgeLater(failure: RoomFailure, attempt: number, queue: PushQueue<Signal>): () => void {
    const { room, clock } = this.#parts;
    const kind = isRetried(failure) ? "interrupted" : "failed";
    const retryMs = Math.min(NOTICE_LOSS_MS, RETRY_MS * (attempt + 1));
    const waitMs = kind === "interrupted" ? retryMs : NOTICE_LOSS_MS;
    const judge = () => {
      // Without a coordinator the room notices nothing.
      if (room.connection === "reconnecting") cancel = clock.after(waitMs, judge);
      else queue.push({ kind, failure });
    };
    let cancel = clock.after(waitMs, judge);
    return () => cancel();
  }

  #isInRoom(generation: GenerationId): boolean {
    return this.#parts.room.state.generations.some(({ id }) => id === generation);
  }

  #end(generation: GenerationId, tokens: number, { cancel, ...end }: End): void {
    const { room, stage } = this.#parts;
    // The stages may be gone, and the generation with them.
    if (cancel !== null) stage.cancel(generation, cancel).catch(() => undefined);
    if (!this.#isInRoom(generation)) return;
    room.dispatch({ type: "end_generation", generation, tokens, ...end }).catch(() => undefined);
  }
}

/** 64 random bits. */
function randomKey(random: () => number): string {
  const part = () => Math.floor(random() * 2 ** 32).toString(16);
  return `${part()}-${part()}`;
}

/** Stage 0 takes the prompt, the last stage sends the tokens: both need a channel to this tab. */
function endsOf({ stages }: Placement): Set<MemberId> {
  return new Set([stages[0], stages.at(-1)].flatMap((stage) => (stage ? [stage.member] : [])));
}
