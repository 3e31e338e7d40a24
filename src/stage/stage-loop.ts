/**
 * The loop of one stage: frames in, a batch, an engine step, frames out.
 *
 * A step takes whatever waits. One step runs at a time, or a few where the shard has all layers
 * (run-ahead.ts). The result of a step is sent before that of the next one, so that a slow link
 * slows this stage and nothing accumulates here. No timer and no main thread: a frame or a finished
 * step drives it.
 *
 * Uses the engine as a `Shard` and the mesh as `send`. `frame-rules.ts` has checked who may send
 * a frame; what it says is checked here, since any member can be hostile or broken. Over 250 lines:
 * every frame changes the same tables.
 */
import type { SampledToken, Shard, StepResult, StepRow, StepToken } from "../engine/index.ts";
import type {
  EndFrame,
  FailureFrame,
  Frame,
  HiddenFrame,
  PromptFrame,
  ResumeFrame,
  Segment,
  StageClock,
  TokenFrame,
} from "../mesh/index.ts";
import {
  type Cause,
  causeOf,
  type Failure,
  MAX_LAPS,
  type MemberId,
  type StageFailure,
  stepsInFlight,
} from "../shared/index.ts";
import { countRows, hiddenOf, joined, rowsOf, workOfRows } from "./batch.ts";
import type { Generation, GenerationTable } from "./generations.ts";
import { hiddenSender } from "./hidden-sender.ts";
import { hopTimes, wireTime } from "./hop-times.ts";
import { LapWatch, type Late } from "./lap-watch.ts";
import type { LoadMeter } from "./load-meter.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import type { Standing } from "./room-view.ts";
import { ShardChain } from "./shard-chain.ts";
import { faultOfRows, faultOfToken } from "./frame-faults.ts";
import { endAfter } from "./interruptions.ts";
import { rowsAhead } from "./run-ahead.ts";
import { splitWork, WorkQueue, type Work } from "./work-queue.ts";

export type StageOutside = {
  send(to: MemberId, frame: Frame): Promise<void>;
  /** Tells the sender of a frame why it was not taken. */
  refuse(to: MemberId, frame: Frame, failure: StageFailure): void;
  standing(generation: Generation["id"], requester: MemberId): Standing;
  onDeviceError(cause: Failure, lost: boolean): void;
  onLate(generation: Generation["id"], late: Late): void;
  onLaps(computeMs: readonly number[], wireMs: readonly number[]): void;
  nowMs(): number;
};

/** A finished step: its clock readings, and what it computed. */
type Step = { readonly startMs: number; readonly computeMs: number; readonly batch: Work[] };

export class StageLoop {
  readonly #position: PipelinePosition;
  readonly #shard: Shard;
  readonly #outside: StageOutside;
  readonly #meter: LoadMeter;
  readonly #generations: GenerationTable;
  readonly #queue = new WorkQueue();
  readonly #watch: LapWatch;
  /** Stage 0: prompts that wait for a sequence slot. */
  #waitingPrompts: PromptFrame[] = [];
  readonly #next: ReturnType<typeof hiddenSender>;
  #running = false;
  /** When the last step finished, and how long it took. */
  #stepEndMs = 0;
  #stepMs = Infinity;
  #stopped = false;
  /** Engine ms of the newest steps of one token. */
  #laps: readonly number[] = [];
  /** Stage 0: time on the wire of the newest laps of one token. */
  #wire: readonly number[] = [];

  /** `generations` outlives the loop: a loop of the next placement resumes what this one began. */
  constructor(
    position: PipelinePosition,
    shard: Shard,
    outside: StageOutside,
    meter: LoadMeter,
    generations: GenerationTable,
  ) {
    this.#position = position;
    this.#shard = shard;
    this.#outside = outside;
    this.#meter = meter;
    this.#generations = generations;
    this.#next = hiddenSender(position, shard.description.model.hidden, {
      send: (to, frame) => outside.send(to, frame),
      lost: (prompts, error) => this.#lost(position.next!, prompts, error),
    });
    const { stages, predictedMs } = position.pipeline;
    this.#watch = new LapWatch(stages.length, predictedMs);
  }

  /** It has generations. */
  get isBusy(): boolean {
    return this.#generations.all().length > 0;
  }

  /** Looks for steps and laps that should have ended. */
  look(): void {
    const nowMs = this.#outside.nowMs();
    const lateStep = this.#watch.lateStep(nowMs);
    if (lateStep !== null) {
      const failure = { reason: "step_late", ...lateStep } as const;
      this.failAll(failure);
      return this.#outside.onDeviceError(failure, false);
    }
    for (const generation of this.#generations.all()) {
      if (generation.isLate || this.#queue.has(generation)) continue;
      const late = this.#watch.lateLap(generation, nowMs);
      if (late === null) continue;
      generation.isLate = true;
      this.#outside.onLate(generation.id, late);
      if (this.#position.isFirst) this.#fail(generation.prompt, { reason: "lap_late", ...late });
    }
  }

  /** Nothing is computed or sent from now on; the result of a step in flight is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#next.stop();
    this.#queue.clear();
    this.#waitingPrompts = [];
    for (const generation of this.#generations.all()) this.#generations.remove(generation, true);
  }

  /** Tells every requester why its answer ends here. */
  failAll(failure: StageFailure): void {
    const admitted = this.#generations.all().map(({ prompt }) => prompt);
    [...this.#waitingPrompts, ...admitted].forEach((prompt) => this.#fail(prompt, failure));
  }

  peerGone(member: MemberId, cause: Cause): void {
    const { first, last, previous, next, isFirst, isLast } = this.#position;
    const isNeighbor = member === previous || member === next;
    if (isNeighbor || (isLast && member === first) || (isFirst && member === last))
      this.failAll({ reason: "stage_lost", member, cause });
    if (!isFirst) return;
    for (const { id, prompt } of this.#generations.all())
      if (prompt.requester === member) this.#end(id, "cancelled");
    this.#waitingPrompts = this.#waitingPrompts.filter(({ requester }) => requester !== member);
  }

  /** Ends the generations that the room does not run any more. */
  roomChanged(): void {
    const isOver = ({ generation, requester }: PromptFrame) =>
      this.#outside.standing(generation, requester) === "refused";
    this.#waitingPrompts = this.#waitingPrompts.filter((prompt) => !isOver(prompt));
    // The room's log does not say whether another attempt follows.
    for (const { id, prompt } of this.#generations.all())
      if (isOver(prompt)) this.#end(id, "interrupted");
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
    else if (isFirst && !this.#generations.hasFreeSlot()) this.#waitingPrompts.push(frame);
    else this.#admit(frame);
  }

  hidden(frame: HiddenFrame): void {
    const arrivedAtMs = this.#outside.nowMs();
    let row = 0;
    for (const segment of frame.segments) {
      const { position, count, clocks, wireMs } = segment;
      const generation = this.#generations.get(segment.generation);
      const hidden = frame.hidden.subarray(row * frame.width, (row + count) * frame.width);
      row += count;
      if (generation === undefined) {
        // It may have ended while the frame was on its way.
        this.#refuseAsEnded(this.#position.previous!, { ...frame, segments: [segment] });
        continue;
      }
      const wanted = {
        position: generation.nextPosition,
        width: this.#shard.description.model.hidden,
      };
      const rows = { position, count, width: frame.width, hidden };
      const failure = faultOfRows(this.#position, rows, wanted);
      if (failure !== null) {
        this.#fail(generation.prompt, failure);
        continue;
      }
      this.#watch.returned(generation, arrivedAtMs);
      generation.nextPosition += count;
      const times = { clocks, wireMs, arrivedAtMs };
      this.#enqueue({ generation, position, count, tokens: null, hidden, part: null, ...times });
    }
    void this.#run();
  }

  /** Stage 0: the token that the last stage sampled starts the next lap. */
  token(frame: TokenFrame): void {
    const generation = this.#generations.get(frame.generation);
    const { isFirst, isLast } = this.#position;
    if (!isFirst || generation === undefined) return;
    if (generation.awaitsResume) {
      generation.earlyToken = frame;
      return;
    }
    const failure = isLast ? null : faultOfToken(this.#position, frame, generation.nextPosition);
    if (failure !== null) return this.#fail(generation.prompt, failure);
    if (frame.finish !== null) return this.#end(generation.id, "finished");
    // Its row is already being computed.
    if (frame.position < generation.nextPosition) return;
    const nowMs = this.#outside.nowMs();
    this.#watch.returned(generation, nowMs);
    // The lap of a prompt takes longer than those of single tokens.
    if (frame.position > generation.promptLength) {
      generation.wireMs = wireTime(nowMs - generation.sentAtMs, frame.clocks);
      if (!isLast) this.#wire = [...this.#wire, generation.wireMs].slice(-MAX_LAPS);
    }
    this.#enqueueTokens(generation, frame.position, [frame.token]);
  }

  ended(from: MemberId, frame: EndFrame): void {
    const { previous, self } = this.#position;
    const waiting = this.#waitingPrompts.find(({ generation }) => generation === frame.generation);
    const prompt = this.#generations.get(frame.generation)?.prompt ?? waiting;
    if (prompt === undefined) return; // it has ended already
    if (from !== previous && from !== prompt.requester)
      return this.#outside.refuse(from, frame, {
        reason: "unexpected_sender",
        member: self,
        frame: "end",
      });
    this.#waitingPrompts = this.#waitingPrompts.filter((other) => other !== waiting);
    this.#end(frame.generation, frame.reason);
  }

  /**
   * Some stage cannot continue. Stage 0 makes all of them free the generation; one whose frame the
   * next stage refused reports that to stage 0 and to the requester.
   */
  failed(from: MemberId, { generation, failure }: FailureFrame): void {
    const { isFirst, next } = this.#position;
    const prompt = this.#generations.get(generation)?.prompt;
    if (from === next && prompt !== undefined) return this.#fail(prompt, failure);
    if (isFirst) this.#end(generation, endAfter(failure));
  }

  #admit(frame: PromptFrame): void {
    const generation = this.#generations.add(frame, this.#outside.nowMs());
    if (generation === null) {
      this.#tellFailure(frame, { reason: "no_free_slot" });
      return;
    }
    const { isFirst, isLast } = this.#position;
    generation.awaitsResume = frame.resumes;
    this.#forward(frame);
    if (frame.resumes && isLast) this.#resume(generation, generation.promptLength - 1);
    else if (!frame.resumes && isFirst) this.#enqueueTokens(generation, 0, frame.tokens);
  }

  /** The next stage says which rows of a resumed prompt it lacks. */
  resume(frame: ResumeFrame): void {
    const generation = this.#generations.get(frame.generation);
    if (generation?.awaitsResume !== true || frame.from > generation.promptLength)
      return this.#refuseAsEnded(this.#position.next!, frame);
    this.#resume(generation, frame.from);
  }

  /** Continues a prompt of which the pipeline's other stages may have computed a part. */
  #resume(generation: Generation, need: number): void {
    const { header, isFirst, previous } = this.#position;
    const { id, prompt } = generation;
    const from = generation.resume(need);
    generation.sentAtMs = this.#outside.nowMs();
    this.#catchUp(generation);
    if (generation.sendFrom > need)
      this.#next.savedRows(generation, need, generation.sendFrom, this.#shard.maxRows);
    if (isFirst) {
      generation.nextPosition = generation.promptLength;
      if (from < generation.promptLength)
        this.#enqueueTokens(generation, from, prompt.tokens.subarray(from));
      const { earlyToken } = generation;
      generation.earlyToken = null;
      if (earlyToken !== null) this.token(earlyToken);
    } else
      this.#outside
        .send(previous!, { ...header, type: "resume", generation: id, from })
        .catch((error: unknown) => this.#lost(previous!, [prompt], error));
  }

  #lost(member: MemberId, prompts: readonly PromptFrame[], error: unknown): void {
    const failure = { reason: "stage_lost", member, cause: causeOf(error) } as const;
    for (const prompt of prompts) this.#fail(prompt, failure);
  }

  #enqueueTokens(
    generation: Generation,
    position: number,
    tokens: ArrayLike<StepToken>,
    arrivedAtMs = this.#outside.nowMs(),
  ): void {
    const times = { clocks: [], wireMs: generation.wireMs, arrivedAtMs };
    const count = tokens.length;
    generation.nextPosition = position + count;
    this.#enqueue({ generation, position, count, tokens, hidden: null, part: null, ...times });
    void this.#run();
  }

  /** The back of a chain computes what it lacks from what the front has sent before. */
  #catchUp(generation: Generation): void {
    const { behind, nextPosition: count, wireMs } = generation;
    generation.behind = null;
    if (behind?.part !== "back") return;
    const hidden = behind.inputs.read(0, count);
    const clock = { computeMs: 0, waitMs: 0, linkMs: 0 };
    const clocks = Array.from({ length: this.#position.index }, () => clock);
    const times = { clocks, wireMs, arrivedAtMs: this.#outside.nowMs() };
    const rows = { position: 0, count, tokens: null, hidden };
    if (count > 0) this.#queue.add({ generation, ...rows, part: behind.part, ...times });
    behind.inputs.clear();
    void this.#run();
  }

  /** Of a chain, the front computes alone what the back has. */
  #enqueue(work: Work): void {
    const inFront = work.generation.frontUntil - work.position;
    const [front, other] = splitWork(work, Math.max(0, Math.min(inFront, work.count)));
    if (front !== null) this.#queue.add({ ...front, part: "front" });
    if (other !== null) this.#queue.add(other);
  }

  #refuseAsEnded(from: MemberId, frame: HiddenFrame | ResumeFrame): void {
    const member = this.#position.self;
    this.#outside.refuse(from, frame, { reason: "generation_not_running", member });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const inFlight: Promise<void>[] = [];
    let last: readonly Work[] = [];
    while (!this.#stopped) {
      if (inFlight.length > 0) this.#enqueueAhead(last);
      const batch = this.#queue.take(this.#shard.maxRows);
      if (batch.length > 0) {
        inFlight.push(this.#step(batch));
        last = batch;
      } else if (inFlight.length === 0) break;
      if (batch.length === 0) await inFlight.shift();
      // Steps that became slower let fewer of them be in flight.
      while (inFlight.length >= this.#maxInFlight()) await inFlight.shift();
    }
    this.#running = false;
  }

  #maxInFlight(): number {
    const { isFirst, isLast, pipeline } = this.#position;
    // The step after has a row for every generation of this one.
    const fits = pipeline.generationSlots <= this.#shard.maxRows;
    const isWhole = isFirst && isLast && !(this.#shard instanceof ShardChain);
    return isWhole && fits ? stepsInFlight(this.#stepMs) : 1;
  }

  /**
   * Rows that follow a step in flight, whose tokens are still on the GPU. Their tokens arrive when that
   * step ends, and theirs starts: they do not wait.
   */
  #enqueueAhead(last: readonly Work[]): void {
    const { contextTokens } = this.#position.pipeline;
    for (const { generation, earlierSample } of rowsAhead(last, contextTokens))
      if (this.#generations.get(generation.id) === generation)
        this.#enqueueTokens(generation, generation.nextPosition, [{ earlierSample }], Infinity);
  }

  async #step(batch: Work[]): Promise<void> {
    const calledMs = this.#outside.nowMs();
    const counts = countRows(batch);
    const watched = this.#watch.stepStarted(batch, counts.rows, calledMs);
    let rowMs: number | null = null;
    for (const { generation, position } of batch)
      generation.computed = Math.min(generation.computed, position);
    try {
      const rows = rowsOf(batch, this.#position.isLast);
      const result = await this.#compute(rows, batch);
      for (const { generation, position, count } of batch) generation.computed = position + count;
      if (this.#stopped) return;
      // Behind another step in flight, a step starts when that one has finished.
      const startMs = Math.max(calledMs, this.#stepEndMs);
      this.#stepEndMs = this.#outside.nowMs();
      const computeMs = this.#stepEndMs - startMs;
      this.#stepMs = computeMs;
      rowMs = computeMs / counts.rows;
      this.#meter.add(computeMs, counts.rows, counts.decodeRows);
      // What the cost model predicts: a step of one token.
      if (counts.rows === 1 && counts.decodeRows === 1)
        this.#laps = [...this.#laps, computeMs].slice(-MAX_LAPS);
      const step = { startMs, computeMs, batch };
      if (batch[0]!.part === "front") return;
      if (result.kind === "hidden") await this.#sendHidden(step, result.hidden);
      else this.#sendTokens(step, result.tokens);
    } catch (error) {
      if (this.#stopped) return;
      const cause = causeOf(error);
      for (const { generation } of batch)
        this.#fail(generation.prompt, { reason: "step_failed", cause });
      this.#outside.onDeviceError(cause, cause.reason === "gpu_lost");
    } finally {
      this.#watch.stepEnded(watched, this.#outside.nowMs(), rowMs);
    }
  }

  #compute(rows: readonly StepRow[], batch: readonly Work[]): Promise<StepResult> {
    const hidden = hiddenOf(batch);
    const part = batch[0]?.part ?? null;
    if (part === null) return this.#shard.step(rows, hidden);
    if (!(this.#shard instanceof ShardChain)) throw new TypeError("only a chain has parts");
    return this.#shard.stepPart(part, rows, hidden);
  }

  async #sendHidden(step: Step, hidden: Float32Array<ArrayBuffer>): Promise<void> {
    const width = this.#shard.description.model.hidden;
    const sentAtMs = this.#outside.nowMs();
    const parts: Float32Array<ArrayBuffer>[] = [];
    const segments: Segment[] = [];
    let row = 0;
    for (const work of step.batch) {
      const { generation, position, count, wireMs } = work;
      const rows = hidden.subarray(row * width, (row + count) * width);
      row += count;
      if (this.#generations.get(generation.id) !== generation) continue; // has ended
      this.#generations.save(generation, position, width, rows);
      generation.sentAtMs = sentAtMs;
      const known = Math.min(count, Math.max(0, generation.sendFrom - position));
      if (known === count) continue;
      const clocks = [...work.clocks, this.#clock(step, work)];
      const sent = { position: position + known, count: count - known, wireMs, clocks };
      segments.push({ generation: generation.id, ...sent });
      parts.push(rows.subarray(known * width));
    }
    if (segments.length === 0) return;
    await this.#next.space;
    const prompts = step.batch.map(({ generation }) => generation.prompt);
    this.#next.rows(segments, joined(parts), prompts);
  }

  #clock({ startMs, computeMs }: Step, { arrivedAtMs }: Work): StageClock {
    const waitMs = Math.max(0, startMs - arrivedAtMs);
    return { computeMs, waitMs, linkMs: this.#position.pipeline.linkMs };
  }

  #sendTokens(step: Step, sampled: readonly SampledToken[]): void {
    const { header, isFirst, pipeline } = this.#position;
    const works = workOfRows(step.batch);
    for (const { row, token, logprob, top } of sampled) {
      const work = works[row];
      if (work === undefined) throw new RangeError(`the engine sampled row ${row} of a batch`);
      const { generation } = work;
      if (this.#generations.get(generation.id) !== generation) continue; // has ended
      if (token >= pipeline.vocabulary) {
        const self = { stage: this.#position.index, member: this.#position.self };
        this.#fail(generation.prompt, { reason: "logits_not_finite", ...self });
        continue;
      }
      const end = generation.append(token, pipeline.contextTokens);
      const clocks = [...work.clocks, this.#clock(step, work)];
      generation.sentAtMs = isFirst ? this.#outside.nowMs() : 0;
      const body = { ...end, token, logprob, top, clocks, hopMs: hopTimes(clocks, work.wireMs) };
      this.#tell(generation.prompt, {
        ...header,
        type: "token",
        generation: generation.id,
        ...body,
      });
    }
  }

  #forward(frame: PromptFrame | EndFrame): void {
    const { next } = this.#position;
    if (next === null) return;
    this.#outside
      .send(next, frame)
      .catch((error: unknown) => this.#lost(next, frame.type === "prompt" ? [frame] : [], error));
  }

  /** Frees a generation here and on later stages; a waiting prompt takes its slot. */
  #end(id: Generation["id"], reason: EndFrame["reason"]): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) return;
    this.#generations.remove(generation, reason === "interrupted");
    this.#queue.drop(generation);
    this.#forward({ ...this.#position.header, type: "end", generation: id, reason });
    if (this.#laps.length > 0) this.#outside.onLaps(this.#laps, this.#wire);
    this.#laps = this.#wire = [];
    const waiting = this.#position.isFirst ? this.#waitingPrompts.shift() : undefined;
    if (waiting !== undefined) this.#admit(waiting);
  }

  #fail(prompt: PromptFrame, failure: StageFailure): void {
    const isWaiting = this.#waitingPrompts.includes(prompt);
    const generation = this.#generations.get(prompt.generation);
    if (!isWaiting && generation?.prompt !== prompt) return; // has already ended
    this.#waitingPrompts = this.#waitingPrompts.filter((other) => other !== prompt);
    this.#tellFailure(prompt, failure);
    this.#end(prompt.generation, endAfter(failure));
  }

  #tellFailure(prompt: PromptFrame, failure: StageFailure): void {
    const { generation } = prompt;
    this.#tell(prompt, { ...this.#position.header, type: "failure", generation, failure });
  }

  /** To stage 0 and to the requester; once if they are one. */
  #tell({ requester }: PromptFrame, frame: TokenFrame | FailureFrame): void {
    for (const member of new Set([this.#position.first, requester]))
      // The end of its channel reports a member that cannot be reached.
      this.#outside.send(member, frame).catch(() => undefined);
  }
}
