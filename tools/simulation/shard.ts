/**
 * A shard whose arithmetic is a hash: a token depends on every layer, every earlier token, their
 * order, and the random number, so that anything lost, repeated, or mixed up changes the answer.
 */
import type { SampledToken, Shard, ShardOptions, StepRow } from "../../src/engine/index.ts";
import type { ShardDescription } from "../../src/model/index.ts";
import { type Clock, type Sampling, sleep } from "../../src/shared/index.ts";
import { randomAt } from "../../src/stage/index.ts";
import { PLAIN_LOOPS } from "../cpu/cpu-shard.ts";
import { LAYERS } from "../cpu/cpu-room.ts";

export const WIDTH = 2;
export const TOKENS = 96;
const MAX_ROWS = 8;

export class HashShard implements Shard {
  readonly kernels = PLAIN_LOOPS;
  readonly tuned = Promise.resolve();
  readonly maxRows = MAX_ROWS;
  onKernels: Shard["onKernels"] = null;
  readonly description: ShardDescription;
  readonly options: ShardOptions;
  readonly #clock: Clock;
  readonly #stepMs: number;
  /** A planted bug for the simulation's own test: a slot keeps the rows of the answer before. */
  readonly #keepsOldRows: boolean;
  /** Of each slot and layer, the hash over the rows `[0, position]`. */
  readonly #rows = new Map<string, number[]>();
  /** What the last step sampled. */
  #sampled: readonly number[] = [];
  #destroyed = false;
  /** What the next step does instead of computing. */
  fault: "throws" | "hangs" | null = null;

  constructor(
    description: ShardDescription,
    options: ShardOptions,
    extra: { readonly clock: Clock; readonly stepMs: number; readonly keepsOldRows: boolean },
  ) {
    this.description = description;
    this.options = options;
    this.#clock = extra.clock;
    this.#stepMs = extra.stepMs;
    this.#keepsOldRows = extra.keepsOldRows;
  }

  async step(rows: readonly StepRow[], hidden: Float32Array | null) {
    if (this.fault === "hangs") return new Promise<never>(() => undefined);
    await sleep(this.#clock, this.#stepMs);
    if (this.fault === "throws") throw new Error("a simulated fault");
    if (this.#destroyed) throw new Error("the shard was destroyed");
    const { first, end } = this.description;
    const out = new Float32Array(rows.length * WIDTH);
    const tokens: SampledToken[] = [];
    rows.forEach((row, index) => {
      let value = hidden ? hidden[index * WIDTH]! : this.#tokenOf(row);
      for (let layer = first; layer < end; layer += 1) value = this.#layer(layer, row, value);
      out[index * WIDTH] = value;
      if (end < LAYERS || row.sample === null) return;
      tokens.push({ row: index, token: pick(value, row.sample.random), logprob: null, top: [] });
    });
    this.#sampled = tokens.map(({ token }) => token);
    return end < LAYERS
      ? ({ kind: "hidden", hidden: out } as const)
      : ({ kind: "tokens", tokens } as const);
  }

  encodeAhead(): void {
    // A hash needs no commands.
  }

  gpuShare(): null {
    return null;
  }

  counters(): ReturnType<Shard["counters"]> {
    throw new Error("the simulation counts nothing");
  }
  memory() {
    return { weightBytes: 1000, cacheBytes: 200, scratchBytes: 30 };
  }
  destroy(): void {
    this.#destroyed = true;
  }

  #tokenOf({ token }: StepRow): number {
    if (typeof token === "number") return token;
    const sampled = this.#sampled[token.earlierSample];
    if (sampled === undefined) throw new RangeError(`no earlier sample ${token.earlierSample}`);
    return sampled;
  }

  #layer(layer: number, { sequence, position }: StepRow, value: number): number {
    const key = `${layer}/${sequence}`;
    const before = this.#rows.get(key) ?? [];
    if (position > before.length) throw new RangeError(`${position} after ${before.length}`);
    const old = this.#keepsOldRows ? (before.at(-1) ?? 0) : 0;
    before.length = position;
    const state = mix(before[position - 1] ?? old, value, layer);
    before[position] = state;
    this.#rows.set(key, before);
    return state;
  }
}

/** The answer that a room must give. */
export function referenceTokens(
  prompt: readonly number[],
  count: number,
  sampling: Sampling,
): number[] {
  const states = Array.from({ length: LAYERS }, () => 0);
  const answer: number[] = [];
  const tokens = [...prompt];
  for (let position = 0; answer.length < count; position += 1) {
    let value = tokens[position]!;
    for (let layer = 0; layer < LAYERS; layer += 1) {
      value = states[layer] = mix(states[layer]!, value, layer);
    }
    if (position < prompt.length - 1) continue;
    answer.push(pick(value, randomAt(sampling.seed, position)));
    tokens.push(answer.at(-1)!);
  }
  return answer;
}

/** Below 2^24, which a hidden state of f32 holds exactly. */
function mix(before: number, value: number, layer: number): number {
  let mixed = Math.imul(before ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(value + 1, 0xc2b2_ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 13) ^ (layer * 0x27d4_eb2f), 0x1656_67b1);
  return (mixed ^ (mixed >>> 16)) & 0xff_ffff;
}

function pick(value: number, random: number): number {
  return (value + Math.floor(random * TOKENS)) % TOKENS;
}
