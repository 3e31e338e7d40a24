/**
 * A deterministic shard in plain loops, for tests of the code around the
 * engine. Its layers mix each row with all earlier rows of its sequence, so that
 * a wrong slot, position, order or hidden row changes the tokens that follow. It
 * refuses a row whose position does not continue its sequence.
 */
import type { Shard, ShardOptions, StepRow, SampledToken } from "../../src/engine/index.ts";
import type { ModelDescription, ShardDescription } from "../../src/model/index.ts";
import type { KernelReport } from "../../src/shared/index.ts";

export const HIDDEN = 24;
export const VOCABULARY = 96;

export function cpuDescription(first: number, end: number, layerCount: number): ShardDescription {
  const model: ModelDescription = {
    architecture: "cpu-test",
    layerCount,
    hidden: HIDDEN,
    heads: 1,
    keyValueHeads: 1,
    headSize: HIDDEN,
    feedForward: HIDDEN,
    vocabulary: VOCABULARY,
    contextTokens: 4096,
    normEpsilon: 1e-5,
    attentionScale: 1,
    rope: { pairs: "halves", dims: 2, frequencies: Float64Array.of(1), magnitude: 1 },
    attentionBias: false,
    headNorm: false,
    tiedHead: true,
  };
  const none = { layers: [], embedding: null, head: null, outputNorm: null };
  return { model, first, end, ...none };
}

export type CpuShardOptions = { readonly maxRows?: number; readonly stepMs?: number };

/** Its report, which lists no kernel. */
export const PLAIN_LOOPS: KernelReport = {
  traits: { lowParallelism: true, rowsPerChunk: 8 },
  choices: [],
  tuning: { status: "untuned_few_layers" },
};

export class CpuShard implements Shard {
  readonly kernels = PLAIN_LOOPS;
  readonly tuned = Promise.resolve();
  onKernels: Shard["onKernels"] = null;
  readonly description: ShardDescription;
  readonly options: ShardOptions;
  readonly maxRows: number;
  /** What it computes instead of the right numbers, as broken hardware. */
  poison: number | null = null;
  /** The number of rows of each step so far. */
  readonly stepRows: number[] = [];
  /** The number of steps before each call of `encodeAhead`. */
  readonly encodedAhead: number[] = [];
  /** How long a step takes. */
  stepMs: number;
  readonly #cache = new Map<string, Float32Array[]>();
  /** Steps that have not finished, and the most that there were at once. */
  running = 0;
  mostRunning = 0;
  /** As on a GPU, a step begins when the one before has ended. */
  #queue: Promise<void> = Promise.resolve();
  /** What the last step sampled. */
  #sampled: readonly number[] = [];
  #destroyed = false;

  constructor(description: ShardDescription, options: ShardOptions, extra: CpuShardOptions = {}) {
    this.description = description;
    this.options = options;
    this.maxRows = extra.maxRows ?? 8;
    this.stepMs = extra.stepMs ?? 0;
  }

  async step(rows: readonly StepRow[], hidden: Float32Array | null) {
    if (rows.length === 0 || rows.length > this.maxRows)
      throw new RangeError(`${rows.length} rows; at most ${this.maxRows}`);
    const { first, end, model } = this.description;
    if ((first === 0) !== (hidden === null)) throw new TypeError("hidden rows where none belong");
    if (hidden !== null && hidden.length !== rows.length * HIDDEN) throw new RangeError("hidden");
    this.stepRows.push(rows.length);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    this.#queue = this.#queue.then(
      () => new Promise((resolve) => setTimeout(resolve, this.stepMs)),
    );
    await this.#queue;
    this.running -= 1;
    if (this.#destroyed) throw new Error("the shard was destroyed");
    const out = new Float32Array(rows.length * HIDDEN);
    rows.forEach((row, index) => {
      const given =
        hidden?.subarray(index * HIDDEN, (index + 1) * HIDDEN) ?? embed(this.#tokenOf(row));
      let state = Float32Array.from(given);
      for (let layer = first; layer < end; layer += 1) state = this.#layer(layer, row, state);
      out.set(state, index * HIDDEN);
    });
    if (this.poison !== null) out.fill(this.poison);
    if (end < model.layerCount) return { kind: "hidden", hidden: out } as const;
    const tokens = rows.flatMap((row, index) =>
      row.sample === null ? [] : [pick(row, index, out.subarray(index * HIDDEN))],
    );
    this.#sampled = tokens.map(({ token }) => token);
    return { kind: "tokens", tokens } as const;
  }

  #tokenOf({ token }: StepRow): number {
    if (typeof token === "number") return token;
    const sampled = this.#sampled[token.earlierSample];
    if (sampled === undefined) throw new RangeError(`no earlier sample ${token.earlierSample}`);
    return sampled;
  }

  encodeAhead(): void {
    this.encodedAhead.push(this.stepRows.length);
  }

  gpuShare(): null {
    return null;
  }

  counters() {
    const none = { dispatches: 0, submits: 0, readbacks: 0, readbackBytes: 0, weightBytesRead: 0 };
    const created = {
      bytesWritten: 0,
      pipelinesCreated: 0,
      bindGroupsCreated: 0,
      buffersCreated: 0,
    };
    return { steps: this.stepRows.length, ...none, ...created };
  }
  memory() {
    return { weightBytes: 1000, cacheBytes: 200, scratchBytes: 30 };
  }
  destroy(): void {
    this.#destroyed = true;
  }

  #layer(layer: number, { sequence, position }: StepRow, state: Float32Array) {
    if (sequence < 0 || sequence >= this.options.sequences)
      throw new RangeError(`sequence ${sequence} of ${this.options.sequences}`);
    if (position >= this.options.contextTokens) throw new RangeError(`position ${position}`);
    const key = `${layer}/${sequence}`;
    const rows = this.#cache.get(key) ?? [];
    if (position > rows.length) throw new RangeError(`position ${position} after ${rows.length}`);
    rows.length = position;
    rows.push(state);
    this.#cache.set(key, rows);
    return state.map((value, index) => {
      let mixed = 0;
      rows.forEach((row, at) => (mixed += row[(index + at + 1) % HIDDEN]! * ((at % 5) + 1)));
      return Math.fround(Math.sin(1.7 * value + (1 + layer) * 0.31 * mixed + 0.1 * index));
    });
  }
}

function embed(token: number): Float32Array {
  return Float32Array.from({ length: HIDDEN }, (_, index) => Math.sin((token + 1) * (index + 1)));
}

/** Greedy, or by `random` over the whole vocabulary; penalized tokens are never picked again. */
function pick({ sample }: StepRow, row: number, hidden: Float32Array): SampledToken {
  const { sampling, random, recentTokens } = sample!;
  const logits = Array.from({ length: VOCABULARY }, (_, token) => {
    let sum = 0;
    for (let index = 0; index < HIDDEN; index += 1)
      sum += hidden[index]! * Math.cos(token * 0.7 + index * (token + 3));
    return recentTokens.includes(token) ? sum - 100 : sum;
  });
  const ranked = logits
    .map((logprob, token) => ({ token, logprob: Math.fround(logprob) }))
    .sort((left, right) => right.logprob - left.logprob || left.token - right.token);
  const [largest] = ranked;
  if (!Number.isFinite(largest!.logprob)) return { row, token: VOCABULARY, logprob: null, top: [] };
  const best = ranked[sampling.temperature === 0 ? 0 : Math.floor(random * 10)]!;
  const top = ranked.slice(0, sampling.topLogprobs);
  return { row, token: best.token, logprob: top.length > 0 ? best.logprob : null, top };
}
