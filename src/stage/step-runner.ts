/**
 * Runs a stage's work on its shard. A step takes whatever waits. One step runs at a time; where the
 * shard has all layers, a few, before their tokens have been read. The result of a step is passed on
 * before that of the next one. No timer: new work or a finished step drives it. Knows no frames.
 */
import type { Shard, StepResult, StepToken } from "../engine/index.ts";
import { stepsInFlight } from "../shared/index.ts";
import type { Generation, GenerationTable } from "./generations.ts";
import type { LapWatch } from "./lap-watch.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import { ShardChain } from "./shard-chain.ts";
import { countRows, hiddenOf, rowsOf, splitWork, WorkQueue, type Work } from "./work-queue.ts";

/** A finished step: its clock readings, and what it computed. */
export type Step = {
  readonly startMs: number;
  readonly computeMs: number;
  readonly batch: readonly Work[];
  readonly rows: number;
  /** Rows of answers, not of prompts. */
  readonly decodeRows: number;
};

export type StepRunnerParts = {
  readonly position: PipelinePosition;
  readonly shard: Shard;
  readonly generations: GenerationTable;
  readonly watch: LapWatch;
  readonly nowMs: () => number;
  /** The result of the next step waits until it resolves. */
  readonly onResult: (step: Step, result: StepResult) => Promise<void> | void;
  readonly onError: (batch: readonly Work[], error: unknown) => void;
};

export class StepRunner {
  readonly #parts: StepRunnerParts;
  readonly #queue = new WorkQueue();
  #running = false;
  #stopped = false;
  /** When the last step finished, and how long it took. */
  #endMs = 0;
  #stepMs = Infinity;

  constructor(parts: StepRunnerParts) {
    this.#parts = parts;
  }

  hasWork(generation: Generation): boolean {
    return this.#queue.has(generation);
  }
  drop(generation: Generation): void {
    this.#queue.drop(generation);
  }
  /** The result of a step in flight is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#queue.clear();
  }

  /** Of a chain, the front computes alone what the back has. Call `run` once all work is added. */
  add(work: Work): void {
    const inFront = work.generation.frontUntil - work.position;
    const [front, other] = splitWork(work, Math.max(0, Math.min(inFront, work.count)));
    if (front !== null) this.#queue.add({ ...front, part: "front" });
    if (other !== null) this.#queue.add(other);
  }

  /** On stage 0. */
  addTokens(
    generation: Generation,
    position: number,
    tokens: ArrayLike<StepToken>,
    arrivedAtMs = this.#parts.nowMs(),
  ): void {
    const count = tokens.length;
    generation.nextPosition = position + count;
    const work = { generation, position, count, tokens, hidden: null, part: null };
    this.add({ ...work, clocks: [], arrivedAtMs });
  }

  async run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const inFlight: Promise<void>[] = [];
    let last: readonly Work[] = [];
    while (!this.#stopped) {
      if (inFlight.length > 0) this.#addAhead(last);
      const batch = this.#queue.take(this.#parts.shard.maxRows);
      if (batch.length > 0) {
        inFlight.push(this.#step(batch));
        last = batch;
      } else if (inFlight.length === 0) break;
      if (batch.length === 0) await inFlight.shift();
      // Steps that became slower let fewer of them be in flight.
      while (inFlight.length >= this.#maxInFlight()) await inFlight.shift();
    }
    this.#running = false;
    if (!this.#stopped) this.#parts.shard.encodeAhead();
  }

  #maxInFlight(): number {
    const { shard, position } = this.#parts;
    const { isFirst, isLast, pipeline } = position;
    // The step after has a row for every generation of this one.
    const fits = pipeline.generationSlots <= shard.maxRows;
    const isWhole = isFirst && isLast && !(shard instanceof ShardChain);
    return isWhole && fits ? stepsInFlight(this.#stepMs) : 1;
  }

  /**
   * The rows that follow a step in flight, whatever tokens it samples: so the GPU never waits for a
   * readback. After an end token a row is computed for nothing. Its token arrives when that step ends,
   * and its own step starts: it does not wait.
   */
  #addAhead(last: readonly Work[]): void {
    const { generations, position: stage } = this.#parts;
    let samples = 0;
    for (const { generation, position, count } of last) {
      const next = position + count;
      const sampled = Math.max(0, next - Math.max(position, generation.promptLength - 1));
      samples += sampled;
      const runs = generations.get(generation.id) === generation;
      if (runs && sampled > 0 && generation.continuesAt(next, stage.pipeline.contextTokens))
        this.addTokens(generation, next, [{ earlierSample: samples - 1 }], Infinity);
    }
  }

  async #step(batch: readonly Work[]): Promise<void> {
    const { watch, nowMs, onResult, onError } = this.#parts;
    const calledMs = nowMs();
    const counts = countRows(batch);
    const watched = watch.stepStarted(batch, counts.rows, calledMs);
    let rowMs: number | null = null;
    for (const { generation, position } of batch)
      generation.computed = Math.min(generation.computed, position);
    try {
      const result = await this.#compute(batch);
      for (const { generation, position, count } of batch) generation.computed = position + count;
      if (this.#stopped) return;
      // Behind another step in flight, a step starts when that one has finished.
      const startMs = Math.max(calledMs, this.#endMs);
      this.#endMs = nowMs();
      const computeMs = this.#endMs - startMs;
      this.#stepMs = computeMs;
      rowMs = computeMs / counts.rows;
      await onResult({ startMs, computeMs, batch, ...counts }, result);
    } catch (error) {
      if (!this.#stopped) onError(batch, error);
    } finally {
      watch.stepEnded(watched, nowMs(), rowMs);
    }
  }

  #compute(batch: readonly Work[]): Promise<StepResult> {
    const { shard, position } = this.#parts;
    const rows = rowsOf(batch, position.isLast);
    const hidden = hiddenOf(batch);
    const part = batch[0]?.part ?? null;
    if (part === null) return shard.step(rows, hidden);
    if (!(shard instanceof ShardChain)) throw new TypeError("only a chain has parts");
    return shard.stepPart(part, rows, hidden);
  }
}
