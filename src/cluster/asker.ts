/**
 * Answers for this tab: tokenises, asks the coordinator for a turn, sends the
 * prompt to stage 0 and turns the tokens that come back into text.
 *
 * When a stage is lost in the middle, the asker asks again with the prompt and
 * the tokens so far; a token's random number depends on the seed and its position only, so
 * the answer goes on as it would have.
 */
import { GenerationId, type MemberId, type PlacementId } from "../shared/ids.ts";
import type { ModelSummary } from "../shared/model.ts";
import type { Placement } from "../shared/state.ts";
import type { GenerationFailure, TokenEvent } from "../shared/stage-port.ts";
import { AnswerText } from "./answer-text.ts";
import type { AnswerEvent, AskRequest } from "./answer.ts";
import { isEvent, type RoomAccess } from "./membership.ts";
import { MOST_LAPS } from "./messages.ts";
import type { ModelHost, ModelText, StagePort } from "./parts.ts";
import { PushQueue } from "./push-queue.ts";
import { RoomError } from "./room-error.ts";
import { errorMessage } from "../shared/error-message.ts";

export type AskerParts = {
  readonly room: RoomAccess;
  readonly stage: StagePort;
  readonly models: Pick<ModelHost, "text">;
  readonly linkFrames: (peer: MemberId) => Promise<void>;
  /** Resolves once this tab's stage knows the placement's pipeline. */
  readonly pipelineSet: (placement: PlacementId) => Promise<void>;
  readonly nowMs: () => number;
  /** After a failure of a stage: how long the room has to notice that it lost a member. */
  readonly noticeLossMs: number;
};

/** An answer that loses its stages this often is given up. */
const MAX_RESUMES = 8;

/** Of other members' generations, which nobody here waits for, most are forgotten. */
const MAX_EARLY = 64;

type Signal =
  | { readonly kind: "running" }
  | { readonly kind: "token"; readonly event: TokenEvent }
  | { readonly kind: "failure"; readonly message: string }
  | { readonly kind: "interrupted"; readonly reason: string }
  /** The coordinator gave it up; asking again would not help. */
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "cancelled" };

/** One answer over all its attempts. */
type Run = {
  readonly request: AskRequest;
  readonly model: ModelSummary;
  readonly text: ModelText;
  readonly prompt: readonly number[];
  readonly answer: number[];
  readonly output: AnswerText;
  readonly startMs: number;
  firstTokenMs: number | null;
  /** Engine ms of each stage in the newest laps of one token; emptied with each attempt. */
  laps: (readonly number[])[];
  /** Whether the next token's lap carries the prompt. */
  isFirstLap: boolean;
};

export class Asker {
  readonly #parts: AskerParts;
  readonly #signals = new Map<GenerationId, PushQueue<Signal>>();
  /** Those of them that were told that they run. */
  readonly #running = new Set<GenerationId>();
  /** Generations that ended before their id reached the asker. */
  readonly #early = new Map<GenerationId, Signal>();

  constructor(parts: AskerParts) {
    this.#parts = parts;
    parts.room.subscribe((change) => {
      if (isEvent(change, "generation_ended")) {
        const { generation, outcome, error } = change.event.event;
        const reason = error ?? "The room ended it.";
        const signal: Signal =
          outcome === "interrupted"
            ? { kind: "interrupted", reason }
            : { kind: "failed", message: reason };
        if (this.#signals.has(generation)) this.#signal(generation, signal);
        else this.#noteEarly(generation, signal);
      } else if (change.event === null) this.#reconcile();
      this.#signalRunning();
    });
  }

  onToken(event: TokenEvent): void {
    this.#signal(event.generation, { kind: "token", event });
  }

  onFailure({ generation, failure }: GenerationFailure): void {
    this.#signal(generation, { kind: "failure", message: JSON.stringify(failure) });
  }

  /** Rejects with a `RoomError`; an abort is no error but a "cancelled" finish. */
  async *ask(request: AskRequest): AsyncGenerator<AnswerEvent, void> {
    const run = await this.#prepare(request);
    yield {
      kind: "prepared",
      model: run.model.name,
      promptTokens: run.prompt,
    };
    for (let resumes = 0; ; resumes++) {
      const lost = yield* this.#attempt(run);
      if (lost === null) return;
      if (resumes >= MAX_RESUMES) throw new RoomError("failed", lost);
      yield { kind: "interrupted", reason: lost };
    }
  }

  async #prepare(request: AskRequest): Promise<Run> {
    const startMs = this.#parts.nowMs();
    const { placement } = this.#parts.room.state;
    if (!placement) {
      throw new RoomError(
        "unavailable",
        "No model is placed in this room. Place one and ask again.",
      );
    }
    const { model } = placement;
    const { text, prompt } = await this.#tokens(model, request);
    if (prompt.length === 0) throw new RoomError("bad_request", "The prompt is empty.");
    const foreign = prompt.find((token) => token < 0 || token >= model.vocabulary);
    if (foreign !== undefined) {
      throw new RoomError("bad_request", `${model.name} has no token ${foreign}.`);
    }
    const output = new AnswerText(text, request.stop);
    const nothing = { answer: [], firstTokenMs: null, laps: [], isFirstLap: true };
    return { request, model, text, prompt, output, startMs, ...nothing };
  }

  async #tokens(model: ModelSummary, request: AskRequest) {
    try {
      const text = await this.#parts.models.text(model);
      return { text, prompt: [...(await encode(text, request))] };
    } catch (error) {
      throw new RoomError("failed", `The prompt cannot be tokenised: ${errorMessage(error)}`);
    }
  }

  /** One turn in the room. Returns null when the answer is complete, else why it has to go on. */
  async *#attempt(run: Run): AsyncGenerator<AnswerEvent, string | null> {
    const { room } = this.#parts;
    const { signal, maxTokens } = run.request;
    if (signal?.aborted) {
      yield finished(run, "cancelled", this.#parts.nowMs());
      return null;
    }
    const asked = {
      promptTokens: run.prompt.length + run.answer.length,
      maxTokens: Math.max(1, (maxTokens ?? run.model.contextTokens) - run.answer.length),
    };
    const id = GenerationId.parse(await room.command({ type: "request_generation", ...asked }));
    const signals = new PushQueue<Signal>();
    this.#signals.set(id, signals);
    const onAbort = () => signals.push({ kind: "cancelled" });
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    let outcome: "done" | "stopped" | "failed" = "stopped";
    let error: string | null = null;
    let ended = false;
    try {
      const early = this.#early.get(id);
      if (early) signals.push(early);
      this.#early.delete(id);
      yield { kind: "queued", generation: id };
      this.#signalRunning();
      for await (const next of signals) {
        switch (next.kind) {
          case "running":
            yield { kind: "started", generation: id };
            await this.#send(run, id);
            break;
          case "token": {
            const event = this.#take(run, next.event);
            if (!event) break;
            yield event;
            const finish = next.event.finish ?? (run.output.stopped ? "stop" : null);
            if (finish === null) break;
            outcome = "done";
            ended = next.event.finish !== null;
            yield finished(run, finish, this.#parts.nowMs());
            return null;
          }
          case "cancelled":
            yield finished(run, "cancelled", this.#parts.nowMs());
            return null;
          case "interrupted":
            return next.reason;
          case "failed":
            throw new RoomError("unavailable", next.message);
          case "failure":
            if (await this.#lossNoticed(id)) return next.message;
            throw new RoomError("failed", next.message);
        }
      }
      return "The room was left.";
    } catch (thrown) {
      outcome = "failed";
      error = errorMessage(thrown);
      throw thrown;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#signals.delete(id);
      this.#running.delete(id);
      this.#reportLaps(run, id);
      this.#end(id, { outcome, error, tokens: run.answer.length, cancel: !ended });
    }
  }

  /** Sends the prompt, and what was answered before, to stage 0. */
  async #send(run: Run, generation: GenerationId): Promise<void> {
    const { room, stage, linkFrames, pipelineSet } = this.#parts;
    const { placement } = room.state;
    if (!placement) return;
    if (placement.model.contentId !== run.model.contentId) {
      throw new RoomError(
        "failed",
        `The room now runs ${placement.model.name} instead of ${run.model.name}. Ask again.`,
      );
    }
    try {
      await pipelineSet(placement.id);
      for (const peer of endsOf(placement)) {
        if (peer !== room.self) await linkFrames(peer);
      }
      const contextLeft = placement.contextTokens - run.prompt.length;
      const limit = Math.min(run.request.maxTokens ?? contextLeft, contextLeft) - run.answer.length;
      await stage.ask({
        generation,
        placement: placement.id,
        tokens: Uint32Array.from([...run.prompt, ...run.answer]),
        sampling: run.request.sampling,
        maxTokens: Math.max(1, limit),
        endTokens: run.text.endTokens,
      });
    } catch (error) {
      this.#signal(generation, { kind: "failure", message: errorMessage(error) });
    }
  }

  /** The event of a token, or null for one that came before or does not follow. */
  #take(run: Run, event: TokenEvent): AnswerEvent | null {
    if (event.position !== run.prompt.length + run.answer.length) return null;
    run.answer.push(event.token);
    run.firstTokenMs ??= this.#parts.nowMs() - run.startMs;
    this.#noteLap(run, event);
    const isEnd = run.text.endTokens.includes(event.token);
    return {
      kind: "token",
      token: event.token,
      text: isEnd ? "" : run.output.push(event.token),
      logprob: event.logprob,
      top: event.top,
      computeMs: event.computeMs,
      hopMs: event.hopMs,
    };
  }

  /** Laps that another answer shared took longer than the cost model's one token. */
  #noteLap(run: Run, { computeMs }: TokenEvent): void {
    const { generations } = this.#parts.room.state;
    const isAlone = generations.filter(({ status }) => status === "running").length <= 1;
    if (!run.isFirstLap && isAlone) run.laps = [...run.laps, computeMs].slice(-MOST_LAPS);
    run.isFirstLap = false;
  }

  /** So that the coordinator can set the cost model right. */
  #reportLaps(run: Run, id: GenerationId): void {
    const { room } = this.#parts;
    const placement = room.state.generations.find((each) => each.id === id)?.placement;
    const computeMs = run.laps.map((lap) => [...lap]);
    run.laps = [];
    run.isFirstLap = true;
    if (placement === undefined || computeMs.length === 0) return;
    // Without a coordinator they are lost; the next answer brings others.
    room.command({ type: "report_laps", placement, computeMs }).catch(() => undefined);
  }

  /** After a stage's failure: whether the room lost the placement, so that asking again helps. */
  #lossNoticed(id: GenerationId): Promise<boolean> {
    const { room, noticeLossMs } = this.#parts;
    const placed = room.state.generations.find((generation) => generation.id === id)?.placement;
    const isLost = () => {
      const { placement, generations } = room.state;
      const isOver = !generations.some((generation) => generation.id === id);
      return isOver || placement?.id !== placed || placement?.error !== null;
    };
    if (isLost()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), noticeLossMs);
      const off = room.subscribe(() => {
        if (isLost()) settle(true);
      });
      const settle = (lost: boolean) => {
        clearTimeout(timer);
        off();
        resolve(lost);
      };
    });
  }

  #end(
    generation: GenerationId,
    end: {
      outcome: "done" | "stopped" | "failed";
      error: string | null;
      tokens: number;
      cancel: boolean;
    },
  ): void {
    const { room, stage } = this.#parts;
    const { cancel, ...rest } = end;
    if (cancel) {
      // The stages may be gone, and with them the generation.
      stage.cancel(generation).catch(() => undefined);
    }
    if (!room.state.generations.some(({ id }) => id === generation)) return;
    // Without a coordinator the end is told by `#reconcile` once there is one.
    room.command({ type: "end_generation", generation, ...rest }).catch(() => undefined);
  }

  /** After a snapshot or a new coordinator: what it knows of our answers, and what it does not. */
  #reconcile(): void {
    const { room } = this.#parts;
    if (room.connection === "lost") {
      for (const signals of this.#signals.values()) signals.end();
      return;
    }
    if (room.connection !== "connected") return;
    const mine = room.state.generations.filter(({ asker }) => asker === room.self);
    for (const id of this.#signals.keys()) {
      if (mine.some((generation) => generation.id === id)) continue;
      this.#signal(id, { kind: "interrupted", reason: "The room lost track of the answer." });
    }
    for (const { id, status } of mine) {
      if (this.#signals.has(id) || status !== "running") continue;
      this.#end(id, { outcome: "stopped", error: null, tokens: 0, cancel: true });
    }
  }

  #noteEarly(generation: GenerationId, signal: Signal): void {
    if (this.#early.size >= MAX_EARLY) this.#early.clear();
    this.#early.set(generation, signal);
  }

  #signalRunning(): void {
    for (const { id, status } of this.#parts.room.state.generations) {
      if (status !== "running" || this.#running.has(id) || !this.#signals.has(id)) continue;
      this.#running.add(id);
      this.#signal(id, { kind: "running" });
    }
  }

  #signal(id: GenerationId, signal: Signal): void {
    this.#signals.get(id)?.push(signal);
  }
}

/** Stage 0 takes the prompt, the last stage sends the tokens: both need a channel to the asker. */
function endsOf({ stages }: Placement): Set<MemberId> {
  return new Set([stages[0], stages.at(-1)].flatMap((stage) => (stage ? [stage.member] : [])));
}

async function encode(text: ModelText, { input }: AskRequest): Promise<Uint32Array<ArrayBuffer>> {
  switch (input.kind) {
    case "chat":
      return text.encodeChat(input.messages);
    case "text":
      return text.encodeText(input.prompt);
    case "tokens":
      return Uint32Array.from(input.tokens);
  }
}

function finished(run: Run, finish: "stop" | "length" | "cancelled", nowMs: number): AnswerEvent {
  return {
    kind: "finished",
    finish,
    text: run.output.flush(),
    usage: { promptTokens: run.prompt.length, completionTokens: run.answer.length },
    firstTokenMs: run.firstTokenMs,
    totalMs: nowMs - run.startMs,
  };
}
