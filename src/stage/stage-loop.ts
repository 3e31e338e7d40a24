/**
 * One stage at work: frames in, a batch, an engine step, frames out.
 *
 * Whatever waits goes into one step; one step runs at a time. What a step gave is
 * sent on before the next result is, so that a slow link slows this stage and
 * nothing piles up here. No timer and no main thread: a frame or a finished step
 * is what moves it.
 *
 * Knows the engine as a `Shard` and the mesh as `send`; who may send what is
 * checked here, since any member can be hostile.
 */
import { EngineError } from "../engine/engine-error.ts";
import type { Shard, SampledToken } from "../engine/types.ts";
import type {
  EndFrame,
  FailureFrame,
  Frame,
  HiddenFrame,
  PromptFrame,
  StageClock,
  TokenFrame,
} from "../mesh/frames.ts";
import type { MemberId } from "../shared/ids.ts";
import { lostMember } from "./asker.ts";
import { GenerationTable, type Generation } from "./generations.ts";
import { hopTimes, wireTime } from "./hop-times.ts";
import type { LoadMeter } from "./load-meter.ts";
import type { Seat } from "./seat.ts";
import { WorkQueue, type Work } from "./work-queue.ts";
import { errorMessage } from "../shared/error-message.ts";

export type StageOutside = {
  send(to: MemberId, frame: Frame): Promise<void>;
  /** Half a ping to `peer`, 0 while unknown. */
  linkMs(peer: MemberId): number;
  onDeviceError(message: string, lost: boolean): void;
};

/** A step that ran: its clock readings, and what it computed. */
type Step = { readonly startMs: number; readonly computeMs: number; readonly batch: Work[] };

export class StageLoop {
  private readonly seat: Seat;
  private readonly shard: Shard;
  private readonly outside: StageOutside;
  private readonly meter: LoadMeter;
  private readonly generations: GenerationTable;
  private readonly queue = new WorkQueue();
  /** Stage 0: prompts that wait for a sequence slot. */
  private waitingPrompts: PromptFrame[] = [];
  private sending: Promise<void> = Promise.resolve();
  private running = false;
  private stopped = false;

  constructor(seat: Seat, shard: Shard, outside: StageOutside, meter: LoadMeter) {
    this.seat = seat;
    this.shard = shard;
    this.outside = outside;
    this.meter = meter;
    const slots = Math.min(shard.options.sequences, seat.pipeline.generationSlots);
    this.generations = new GenerationTable(slots);
  }

  /** Nothing is computed or sent from now on; a step in flight ends unheard. */
  stop(): void {
    this.stopped = true;
    this.queue.clear();
    this.waitingPrompts = [];
  }

  /** Tells every asker why their answer ends here. */
  failAll(message: string): void {
    const prompts = [...this.waitingPrompts, ...this.generations.all().map(({ prompt }) => prompt)];
    prompts.forEach((prompt) => this.fail(prompt, message));
  }

  peerGone(peer: MemberId, reason: string): void {
    const { first, last, previous, next, isFirst, isLast } = this.seat;
    const neighbour = peer === previous || peer === next;
    if (neighbour || (isLast && peer === first) || (isFirst && peer === last))
      this.failAll(lostMember(peer, reason));
    if (!isFirst) return;
    for (const { id, prompt } of this.generations.all())
      if (prompt.asker === peer) this.end(id, "cancelled");
    this.waitingPrompts = this.waitingPrompts.filter(({ asker }) => asker !== peer);
  }

  prompt(from: MemberId, frame: PromptFrame): void {
    const { isFirst, previous } = this.seat;
    if (from !== (isFirst ? frame.asker : previous)) return;
    if (frame.tokens.length > this.seat.pipeline.contextTokens) {
      this.tellFailure(frame, `A prompt of ${frame.tokens.length} tokens is too long.`);
      return;
    }
    if (isFirst && !this.generations.hasRoom()) this.waitingPrompts.push(frame);
    else this.admit(frame);
  }

  hidden(from: MemberId, frame: HiddenFrame): void {
    if (from !== this.seat.previous) return;
    const arrivedAtMs = performance.now();
    let row = 0;
    for (const segment of frame.segments) {
      const { position, count, clocks, wireMs } = segment;
      const generation = this.generations.get(segment.generation);
      const hidden = frame.hidden.subarray(row * frame.width, (row + count) * frame.width);
      row += count;
      if (generation === undefined) continue; // ended while the frame was on its way
      if (!this.fits(frame.width, position + count)) {
        this.fail(generation.prompt, "A stage received rows that do not fit its model.");
        continue;
      }
      const times = { clocks, wireMs, arrivedAtMs };
      this.queue.add({ generation, position, count, tokens: null, hidden, ...times });
    }
    void this.run();
  }

  /** Stage 0: the token that the last stage sampled goes round again. */
  token(from: MemberId, frame: TokenFrame): void {
    const generation = this.generations.get(frame.generation);
    if (!this.seat.isFirst || from !== this.seat.last || generation === undefined) return;
    if (frame.finish !== null) {
      this.end(generation.id, "finished");
      return;
    }
    if (frame.position >= this.seat.pipeline.contextTokens) return;
    generation.wireMs = wireTime(performance.now() - generation.sentAtMs, frame.clocks);
    this.enqueueTokens(generation, frame.position, [frame.token]);
  }

  ended(from: MemberId, frame: EndFrame): void {
    const { isFirst, previous } = this.seat;
    const waiting = this.waitingPrompts.find(({ generation }) => generation === frame.generation);
    const asker = this.generations.get(frame.generation)?.prompt.asker ?? waiting?.asker;
    if (from !== previous && !(isFirst && from === asker)) return;
    this.waitingPrompts = this.waitingPrompts.filter((prompt) => prompt !== waiting);
    this.end(frame.generation, frame.reason);
  }

  /** Stage 0: some stage cannot go on, so all of them let go. */
  failed(from: MemberId, frame: FailureFrame): void {
    const inside = this.seat.pipeline.stages.some(({ member }) => member === from);
    if (this.seat.isFirst && inside) this.end(frame.generation, "failed");
  }

  private admit(frame: PromptFrame): void {
    const generation = this.generations.add(frame);
    if (generation === null) {
      this.tellFailure(frame, "A stage has no room for another answer. Ask again in a moment.");
      return;
    }
    this.forward(frame);
    if (this.seat.isFirst) this.enqueueTokens(generation, 0, frame.tokens);
  }

  private enqueueTokens(generation: Generation, position: number, tokens: ArrayLike<number>): void {
    const { wireMs } = generation;
    const times = { clocks: [], wireMs, arrivedAtMs: performance.now() };
    const count = tokens.length;
    this.queue.add({ generation, position, count, tokens, hidden: null, ...times });
    void this.run();
  }

  private fits(width: number, endPosition: number): boolean {
    return (
      width === this.shard.description.model.hidden &&
      endPosition <= this.seat.pipeline.contextTokens
    );
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (!this.stopped && this.queue.length > 0) await this.step();
    this.running = false;
  }

  private async step(): Promise<void> {
    const batch = this.queue.take(this.shard.maxRows);
    const startMs = performance.now();
    try {
      const result = await this.shard.step(this.rowsOf(batch), hiddenOf(batch));
      if (this.stopped) return;
      const computeMs = performance.now() - startMs;
      this.measure(batch, computeMs);
      const step = { startMs, computeMs, batch };
      if (result.kind === "hidden") await this.sendHidden(step, result.hidden);
      else this.sendTokens(step, result.tokens);
    } catch (error) {
      if (this.stopped) return;
      const lost = isLost(error);
      this.outside.onDeviceError(errorMessage(error), lost);
      for (const { generation } of batch)
        this.fail(generation.prompt, `A stage's GPU failed: ${errorMessage(error)}`);
    }
  }

  private rowsOf(batch: readonly Work[]) {
    return batch.flatMap(({ generation, position, count, tokens }) =>
      Array.from({ length: count }, (_, row) => ({
        sequence: generation.slot,
        position: position + row,
        token: tokens?.[row] ?? 0,
        sample: this.seat.isLast ? generation.sampleAfter(position + row) : null,
      })),
    );
  }

  private measure(batch: readonly Work[], computeMs: number): void {
    let rows = 0;
    let decodeRows = 0;
    for (const { position, count, generation } of batch) {
      rows += count;
      if (position >= generation.promptLength) decodeRows += count;
    }
    this.meter.add(computeMs, rows, decodeRows);
  }

  private async sendHidden(step: Step, hidden: Float32Array<ArrayBuffer>): Promise<void> {
    const { header, next } = this.seat;
    const sentAtMs = performance.now();
    const segments = step.batch.map((work) => {
      work.generation.sentAtMs = sentAtMs;
      const { position, count, wireMs } = work;
      const clocks = [...work.clocks, this.clock(step, work)];
      return { generation: work.generation.id, position, count, wireMs, clocks };
    });
    await this.sending; // the last frame has room before this one is written
    const width = this.shard.description.model.hidden;
    this.sending = this.outside
      .send(next!, { ...header, type: "hidden", width, segments, hidden })
      .catch((error: unknown) => {
        for (const { generation } of step.batch)
          this.fail(generation.prompt, lostMember(next!, errorMessage(error)));
      });
  }

  private clock({ startMs, computeMs }: Step, { arrivedAtMs }: Work): StageClock {
    const waitMs = Math.max(0, startMs - arrivedAtMs);
    return { computeMs, waitMs, linkMs: this.outside.linkMs(this.seat.next ?? this.seat.first) };
  }

  private sendTokens(step: Step, sampled: readonly SampledToken[]): void {
    const workOfRow = step.batch.flatMap((work) => Array.from({ length: work.count }, () => work));
    for (const { row, token, logprob, top } of sampled) {
      const work = workOfRow[row];
      if (work === undefined) throw new RangeError(`the engine sampled row ${row} of a batch`);
      const { generation } = work;
      if (this.generations.get(generation.id) !== generation) continue; // ended meanwhile
      const end = generation.append(token, this.seat.pipeline.contextTokens);
      const clocks = [...work.clocks, this.clock(step, work)];
      generation.sentAtMs = this.seat.isFirst ? performance.now() : 0;
      const body = { ...end, token, logprob, top, clocks, hopMs: hopTimes(clocks, work.wireMs) };
      this.sendToken({ ...this.seat.header, type: "token", generation: generation.id, ...body });
    }
  }

  /** To stage 0 and to the asker; once when they are one. */
  private sendToken(frame: TokenFrame): void {
    const asker = this.generations.get(frame.generation)!.prompt.asker;
    for (const member of new Set([this.seat.first, asker]))
      // A member that cannot be reached is told of by its channel's end.
      this.outside.send(member, frame).catch(() => undefined);
  }

  private forward(frame: PromptFrame | EndFrame): void {
    const { next } = this.seat;
    if (next === null) return;
    this.outside.send(next, frame).catch((error: unknown) => {
      if (frame.type === "prompt") this.fail(frame, lostMember(next, errorMessage(error)));
    });
  }

  /** Lets go of a generation here and further down; a waiting prompt takes its slot. */
  private end(id: Generation["id"], reason: EndFrame["reason"]): void {
    const generation = this.generations.get(id);
    if (generation === undefined) return;
    this.generations.remove(generation);
    this.queue.drop(generation);
    this.forward({ ...this.seat.header, type: "end", generation: id, reason });
    const waiting = this.seat.isFirst ? this.waitingPrompts.shift() : undefined;
    if (waiting !== undefined) this.admit(waiting);
  }

  private fail(prompt: PromptFrame, message: string): void {
    const waiting = this.waitingPrompts.includes(prompt);
    const generation = this.generations.get(prompt.generation);
    if (!waiting && generation?.prompt !== prompt) return; // has ended, or failed already
    this.waitingPrompts = this.waitingPrompts.filter((other) => other !== prompt);
    this.tellFailure(prompt, message);
    this.end(prompt.generation, "failed");
  }

  private tellFailure({ generation, asker }: PromptFrame, message: string): void {
    const { header, first } = this.seat;
    for (const member of new Set([first, asker]))
      this.outside
        .send(member, { ...header, type: "failure", generation, message })
        .catch(() => undefined);
  }
}

/** [rows, width] of the batch in order; null on stage 0. */
function hiddenOf(batch: readonly Work[]): Float32Array | null {
  const parts = batch.map(({ hidden }) => hidden).filter((hidden) => hidden !== null);
  if (parts.length <= 1) return parts[0] ?? null;
  const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function isLost(error: unknown): boolean {
  return error instanceof EngineError && error.kind === "device_lost";
}
