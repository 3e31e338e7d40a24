/**
 * The measurements of one engine in one worker. A decode step is measured as the
 * product runs it: submit, sample on the GPU, wait for the token, feed it back.
 *
 * Prompts are random token ids, since the work does not depend on them. Contexts
 * are filled by ordinary prefill. A step at position 63 after the sequence has been
 * filled further is a step at 64 tokens of context: later positions are not read.
 */
import { requestKernelDevice } from "../../src/kernels/index.ts";
import {
  loadShard,
  type EngineCounters,
  type Shard,
  type ShardOptions,
  type StepRow,
} from "../../src/engine/index.ts";
import {
  type ByteReader,
  type ShardDescription,
  openModel,
  openUrl,
} from "../../src/model/index.ts";
import { probeAdapter } from "../../src/probe/index.ts";
import { DeviceTuner } from "../../src/tuner/index.ts";
import { GREEDY } from "../../src/shared/index.ts";
import { measureLoadPhases } from "./load-phases.ts";
import { profileStep } from "./profile.ts";
import { steadyTimes } from "./steady-times.ts";
import { matrixShapes } from "../peers/ort-graph.ts";
import type {
  AheadReply,
  DecodeReply,
  EngineReply,
  EngineRequest,
  LoadReply,
  LoadRequest,
  ProbeReply,
} from "./requests.ts";

/** More than any model that is measured: a tab's own budget is not what is measured here. */
const MEMORY_BYTES = 64 * 2 ** 30;
/** Runs before a measurement, which page in weights and wake threads. */
const WARM_UP_STEPS = 2;
/** A GPU that idled needs work for a while to reach its clocks. */
const WARM_UP_AHEAD_MS = 500;

type Loaded = {
  readonly device: GPUDevice;
  readonly shard: Shard;
  readonly whole: ShardDescription;
  readonly options: ShardOptions;
  readonly reader: ByteReader;
};

export class EngineSession {
  #probed: ProbeReply | null = null;
  #loaded: Loaded | null = null;

  async run(request: EngineRequest, onLog: (line: string) => void): Promise<EngineReply> {
    switch (request.kind) {
      case "probe":
        return this.#probe();
      case "load":
        return this.#load(request, onLog);
      case "prefill": {
        const { tokens, durationMs } = request;
        return { ms: await steadyTimes(durationMs, () => this.#prefill(0, 0, tokens)) };
      }
      case "fill": {
        const fillMs = await this.#prefill(0, request.from, request.tokens);
        return { fillMs, memory: this.#shard.memory() };
      }
      case "decode":
        return this.#decode(request.contexts, request.steps, request.rounds);
      case "ahead":
        return this.#ahead(request.context, request.durationMs, request.inFlight);
      case "batch":
        return this.#batch(request.rows, request.context, request.steps, request.rounds);
      case "fixed":
        return this.#fixedCost(request.steps);
      case "phases": {
        const device = this.#loaded?.device ?? (await requestKernelDevice());
        return { phases: await measureLoadPhases(device, await openUrl(request.modelUrl)) };
      }
      case "profile": {
        const { device, options } = this.#need();
        const { rows, context } = request;
        const chunk = () => rowsAt(0, context - rows, rows, true);
        return profileStep(device, this.#shard, chunk, context, options.submitWhileWaiting);
      }
    }
  }

  #need(): Loaded {
    if (this.#loaded === null) throw new Error("load a model before measuring");
    return this.#loaded;
  }

  get #shard(): Shard {
    return this.#need().shard;
  }

  async #probe(): Promise<ProbeReply> {
    const { adapter, measurements, noAdapter } = await probeAdapter(() => undefined);
    if (measurements === null) throw new Error(`the probe found no adapter: ${noAdapter?.reason}`);
    this.#probed = { adapter, measurements };
    return this.#probed;
  }

  async #load(request: LoadRequest, onLog: (line: string) => void): Promise<LoadReply> {
    const { modelUrl, contextTokens, sequences, activations } = request;
    const submitWhileWaiting = (this.#probed ?? (await this.#probe())).measurements
      .submitWhileWaitingHelps;
    this.#loaded?.shard.destroy();
    const device = this.#loaded?.device ?? (await requestKernelDevice());
    const start = performance.now();
    const reader = await openUrl(modelUrl);
    const model = await openModel(reader, { kind: "url", url: modelUrl });
    const openMs = performance.now() - start;
    const whole = model.shard(0, model.description.layerCount);
    const options = {
      contextTokens,
      sequences,
      activations,
      memoryBudgetBytes: MEMORY_BYTES,
      submitWhileWaiting,
    };
    const phasesMs: Record<string, number> = {};
    const shard = await loadShard(gpuOf(device), whole, options, reader, ({ phase }) => {
      phasesMs[phase] = performance.now() - start;
    });
    const loadMs = performance.now() - start;
    this.#loaded = { device, shard, whole, options, reader };
    onLog(`loaded in ${Math.round(loadMs)} ms`);
    await shard.tuned;
    phasesMs["tuning"] = performance.now() - start;
    return {
      loadMs,
      openMs,
      phasesMs,
      memory: shard.memory(),
      kernels: shard.kernels,
      maxRows: shard.maxRows,
      counters: shard.counters(),
      shapes: matrixShapes(whole),
    };
  }

  /** Milliseconds from the first chunk to the token after the last one. */
  async #prefill(sequence: number, from: number, end: number): Promise<number> {
    const shard = this.#shard;
    const start = performance.now();
    for (let at = from; at < end; at += shard.maxRows) {
      const count = Math.min(shard.maxRows, end - at);
      await shard.step(rowsAt(sequence, at, count, at + count === end), null);
    }
    return performance.now() - start;
  }

  async #decode(contexts: readonly number[], steps: number, rounds: number): Promise<DecodeReply> {
    const shard = this.#shard;
    const stepMs: Record<string, number[]> = {};
    const step = async (context: number) => {
      const start = performance.now();
      await shard.step(rowsAt(0, context - 1, 1, true), null);
      return performance.now() - start;
    };
    for (let round = 0; round < rounds; round++) {
      for (const context of contexts) {
        const times = (stepMs[context] ??= []);
        for (let i = 0; i < WARM_UP_STEPS; i++) await step(context);
        for (let i = 0; i < steps; i++) times.push(await step(context));
      }
    }
    const before = shard.counters();
    await step(contexts[0]!);
    return { stepMs, counters: difference(shard.counters(), before), memory: shard.memory() };
  }

  /** Milliseconds per step, each from the token that the previous one sampled. */
  async #ahead(context: number, durationMs: number, inFlight: number): Promise<AheadReply> {
    const shard = this.#shard;
    shard.gpuShare(); // of what ran before
    const pending: Promise<unknown>[] = [];
    const begin = performance.now();
    let start = 0;
    let steps = 0;
    while (performance.now() < begin + WARM_UP_AHEAD_MS + durationMs || steps < 2) {
      if (start === 0 && performance.now() >= begin + WARM_UP_AHEAD_MS) start = performance.now();
      const [row] = rowsAt(0, context - 1, 1, true);
      const token = pending.length === 0 ? row!.token : { earlierSample: 0 };
      pending.push(shard.step([{ ...row!, token }], null));
      if (start > 0) steps++;
      if (pending.length >= inFlight) await pending.shift();
    }
    await Promise.all(pending);
    const stepMs = (performance.now() - start) / steps;
    const share = shard.gpuShare();
    return { stepMs, gpuMs: share === null ? null : share * stepMs };
  }

  async #batch(rows: number, context: number, steps: number, rounds: number) {
    const shard = this.#shard;
    for (let sequence = 0; sequence < rows; sequence++) await this.#prefill(sequence, 0, context);
    const oneMs: number[] = [];
    const manyMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const [count, times] of [
        [1, oneMs],
        [rows, manyMs],
      ] as const) {
        const step = async () => {
          const start = performance.now();
          const sequences = Array.from({ length: count }, (_, sequence) => sequence);
          const batch = sequences.flatMap((sequence) => rowsAt(sequence, context - 1, 1, true));
          await shard.step(batch, null);
          return performance.now() - start;
        };
        for (let i = 0; i < WARM_UP_STEPS; i++) await step();
        for (let i = 0; i < steps; i++) times.push(await step());
      }
    }
    return { oneMs, manyMs };
  }

  /** Steps of shards without layers: the fixed cost of a step. */
  async #fixedCost(steps: number) {
    const { device, whole, options, reader } = this.#need();
    const times = async (description: ShardDescription) => {
      const shard = await loadShard(gpuOf(device), description, options, reader, () => undefined);
      await shard.tuned;
      const ms: number[] = [];
      for (let i = 0; i < steps + WARM_UP_STEPS; i++) {
        const start = performance.now();
        await shard.step(rowsAt(0, 63, 1, description.head !== null), null);
        ms.push(performance.now() - start);
      }
      shard.destroy();
      return ms.slice(WARM_UP_STEPS);
    };
    const empty = { ...whole, end: 0, layers: [] };
    const bareMs = await times({ ...empty, head: null, outputNorm: null });
    const headMs = await times(empty);
    return { bareMs, headMs };
  }
}

const gpuOf = (device: GPUDevice) => ({ device, tuner: new DeviceTuner(device) });

/** Rows of random tokens at `[position, position + count)`; the last one is sampled if `sampled`. */
function rowsAt(sequence: number, position: number, count: number, sampled: boolean): StepRow[] {
  return Array.from({ length: count }, (_, i) => ({
    sequence,
    position: position + i,
    token: 1000 + Math.floor(Math.random() * 20_000),
    sample:
      sampled && i === count - 1
        ? { sampling: GREEDY, random: 0, recentTokens: new Uint32Array() }
        : null,
  }));
}

function difference(after: EngineCounters, before: EngineCounters): EngineCounters {
  const entries = Object.entries(after) as [keyof EngineCounters, number][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value - before[name]]),
  ) as EngineCounters;
}
