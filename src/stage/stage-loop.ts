/**
 * The loop of one stage: rows and tokens in, an engine step (step-runner.ts), frames out
 * (step-results.ts). A slow link slows the stage, and nothing accumulates here. No timer and no main
 * thread: a frame or a finished step drives it.
 *
 * Uses the engine as a `Shard` and the mesh as `send`. `frame-intake.ts` has checked who may send
 * a frame; what it says is checked here, since any member can be hostile or broken.
 */
import type { Shard, StepResult } from "../engine/index.ts";
import type { HiddenFrame, ResumeFrame, TokenFrame } from "../mesh/index.ts";
import { causeOf, type Failure, MAX_LAPS, type MemberId } from "../shared/index.ts";
import { faultOfRows, faultOfToken } from "./frame-faults.ts";
import type { Generation, GenerationTable } from "./generations.ts";
import { wireTime } from "./hop-times.ts";
import { LapWatch, type Late } from "./lap-watch.ts";
import type { LoadMeter } from "./load-meter.ts";
import type { PipelinePosition } from "./pipeline-position.ts";
import { type AnswersOutside, StageAnswers } from "./stage-answers.ts";
import { stepResults } from "./step-results.ts";
import { type Step, StepRunner } from "./step-runner.ts";

export type StageOutside = Omit<AnswersOutside, "onBegin" | "onEnd"> & {
  onDeviceError(cause: Failure, lost: boolean): void;
  onLate(generation: Generation["id"], late: Late): void;
  onLaps(computeMs: readonly number[], wireMs: readonly number[]): void;
};

export class StageLoop {
  readonly answers: StageAnswers;
  readonly #position: PipelinePosition;
  readonly #shard: Shard;
  readonly #outside: StageOutside;
  readonly #meter: LoadMeter;
  readonly #generations: GenerationTable;
  readonly #watch: LapWatch;
  readonly #steps: StepRunner;
  readonly #results: ReturnType<typeof stepResults>;
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
    const { stages, predictedMs } = position.pipeline;
    this.#watch = new LapWatch(stages.length, predictedMs);
    const answers = new StageAnswers(position, generations, {
      ...outside,
      onBegin: (generation) => this.#begin(generation),
      onEnd: (generation) => this.#ended(generation),
    });
    this.answers = answers;
    const width = shard.description.model.hidden;
    this.#results = stepResults(position, width, generations, answers, outside);
    this.#steps = new StepRunner({
      ...{ position, generations, shard, watch: this.#watch, nowMs: outside.nowMs },
      onResult: (step, result) => this.#computed(step, result),
      onError: (batch, error) => {
        const cause = causeOf(error);
        for (const { generation } of batch)
          answers.fail(generation.prompt, { reason: "step_failed", cause });
        outside.onDeviceError(cause, cause.reason === "gpu_lost");
      },
    });
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
      this.answers.failAll(failure);
      return this.#outside.onDeviceError(failure, false);
    }
    for (const generation of this.#generations.all()) {
      if (generation.isLate || this.#steps.hasWork(generation)) continue;
      const late = this.#watch.lateLap(generation, nowMs);
      if (late === null) continue;
      generation.isLate = true;
      this.#outside.onLate(generation.id, late);
      if (this.#position.isFirst)
        this.answers.fail(generation.prompt, { reason: "lap_late", ...late });
    }
  }

  /** Nothing is computed or sent from now on; the result of a step in flight is dropped. */
  stop(): void {
    this.#results.stop();
    this.#steps.stop();
    this.answers.stop();
  }

  hidden(frame: HiddenFrame): void {
    const arrivedAtMs = this.#outside.nowMs();
    let row = 0;
    for (const segment of frame.segments) {
      const { position, count, clocks } = segment;
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
        this.answers.fail(generation.prompt, failure);
        continue;
      }
      this.#watch.returned(generation, arrivedAtMs);
      generation.nextPosition += count;
      const work = { generation, position, count, tokens: null, hidden, part: null };
      this.#steps.add({ ...work, clocks, arrivedAtMs });
    }
    void this.#steps.run();
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
    if (failure !== null) return this.answers.fail(generation.prompt, failure);
    if (frame.finish !== null) return this.answers.end(generation.id, "finished");
    // Its row is already being computed.
    if (frame.position < generation.nextPosition) return;
    const nowMs = this.#outside.nowMs();
    this.#watch.returned(generation, nowMs);
    // The lap of a prompt takes longer than those of single tokens.
    if (!isLast && frame.position > generation.promptLength) {
      const wireMs = wireTime(nowMs - generation.sentAtMs, frame.clocks.slice(1));
      this.#wire = [...this.#wire, wireMs].slice(-MAX_LAPS);
    }
    this.#steps.addTokens(generation, frame.position, [frame.token]);
    void this.#steps.run();
  }

  /** The next stage says which rows of a resumed prompt it lacks. */
  resume(frame: ResumeFrame): void {
    const generation = this.#generations.get(frame.generation);
    if (generation?.awaitsResume !== true || frame.from > generation.promptLength)
      return this.#refuseAsEnded(this.#position.next!, frame);
    this.#resume(generation, frame.from);
  }

  #begin(generation: Generation): void {
    const { isFirst, isLast } = this.#position;
    const { resumes, tokens } = generation.prompt;
    if (resumes && isLast) this.#resume(generation, generation.promptLength - 1);
    else if (!resumes && isFirst) this.#steps.addTokens(generation, 0, tokens);
    void this.#steps.run();
  }

  /** Continues a prompt of which the pipeline's other stages may have computed a part. */
  #resume(generation: Generation, need: number): void {
    const { header, isFirst, previous } = this.#position;
    const { id, prompt } = generation;
    const from = generation.resume(need);
    generation.sentAtMs = this.#outside.nowMs();
    this.#catchUp(generation);
    if (generation.sendFrom > need)
      this.#results.sendSaved(generation, need, generation.sendFrom, this.#shard.maxRows);
    if (isFirst) {
      generation.nextPosition = generation.promptLength;
      if (from < generation.promptLength)
        this.#steps.addTokens(generation, from, prompt.tokens.subarray(from));
      const { earlyToken } = generation;
      generation.earlyToken = null;
      if (earlyToken !== null) this.token(earlyToken);
    } else
      this.#outside
        .send(previous!, { ...header, type: "resume", generation: id, from })
        .catch((error: unknown) => this.answers.lost(previous!, [prompt], error));
    void this.#steps.run();
  }

  /** The back of a chain computes what it lacks from what the front has sent before. */
  #catchUp(generation: Generation): void {
    const { behind, nextPosition: count } = generation;
    generation.behind = null;
    if (behind?.part !== "back") return;
    const hidden = behind.inputs.read(0, count);
    const clock = { computeMs: 0, waitMs: 0, linkMs: 0 };
    const clocks = Array.from({ length: this.#position.index }, () => clock);
    const times = { clocks, arrivedAtMs: this.#outside.nowMs() };
    const rows = { position: 0, count, tokens: null, hidden };
    if (count > 0) this.#steps.add({ generation, ...rows, part: behind.part, ...times });
  }

  #computed(step: Step, result: StepResult): Promise<void> | void {
    const { computeMs, rows, decodeRows, batch } = step;
    this.#meter.add(computeMs, rows, decodeRows);
    // What the cost model predicts: a step of one token.
    if (rows === 1 && decodeRows === 1) this.#laps = [...this.#laps, computeMs].slice(-MAX_LAPS);
    if (batch[0]!.part === "front") return;
    if (result.kind === "tokens") return this.#results.sendTokens(step, result.tokens);
    return this.#results.sendHidden(step, result.hidden);
  }

  #ended(generation: Generation): void {
    this.#steps.drop(generation);
    if (this.#laps.length > 0) this.#outside.onLaps(this.#laps, this.#wire);
    this.#laps = this.#wire = [];
  }

  #refuseAsEnded(from: MemberId, frame: HiddenFrame | ResumeFrame): void {
    const member = this.#position.self;
    this.#outside.refuse(from, frame, { reason: "generation_not_running", member });
  }
}
