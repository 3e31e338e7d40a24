/**
 * Two shards of consecutive layers as one: those that a tab held, and those that it loaded before or
 * after them when another member was lost. So the layers that it held keep their cache, and only the
 * lost layers are computed again. The hidden rows between the two pass through this thread.
 */
import type { Shard, StepResult, StepRow } from "../engine/index.ts";
import type { ShardBytes } from "../shared/index.ts";

export type ChainPart = "front" | "back";

export class ShardChain implements Shard {
  readonly description: Shard["description"];
  readonly options: Shard["options"];
  readonly tuned: Promise<void>;
  readonly #front: Shard;
  readonly #back: Shard;

  constructor(front: Shard, back: Shard) {
    this.#front = front;
    this.#back = back;
    const { first, embedding, model, layers } = front.description;
    const { end, head, outputNorm, layers: further } = back.description;
    this.description = {
      model,
      first,
      end,
      layers: [...layers, ...further],
      embedding,
      head,
      outputNorm,
    };
    this.options = {
      ...front.options,
      memoryBudgetBytes: front.options.memoryBudgetBytes + back.options.memoryBudgetBytes,
    };
    this.tuned = Promise.all([front.tuned, back.tuned]).then(() => undefined);
  }

  get maxRows() {
    return Math.min(this.#front.maxRows, this.#back.maxRows);
  }
  /** Both run the same kernels, unless one has not been measured to the end. */
  get kernels() {
    return this.#back.kernels;
  }
  set onKernels(listener: Shard["onKernels"]) {
    this.#back.onKernels = listener;
  }

  async step(rows: readonly StepRow[], hidden: Float32Array | null): Promise<StepResult> {
    const middle = await this.stepPart("front", rows, hidden);
    if (middle.kind !== "hidden") throw new TypeError("the front of a chain has the last layer");
    return this.stepPart("back", rows, middle.hidden);
  }

  /** Runs the layers of one part only, whose input `hidden` is. */
  stepPart(part: ChainPart, rows: readonly StepRow[], hidden: Float32Array | null) {
    if (part === "back") return this.#back.step(rows, hidden);
    const unsampled = rows.map((row) => ({ ...row, sample: null }));
    return this.#front.step(unsampled, hidden);
  }

  encodeAhead(): void {
    this.#front.encodeAhead();
    this.#back.encodeAhead();
  }

  includes(shard: Shard): boolean {
    return [this.#front, this.#back].some(
      (part) => part === shard || (part instanceof ShardChain && part.includes(shard)),
    );
  }

  gpuShare(): number | null {
    const shares = [this.#front.gpuShare(), this.#back.gpuShare()].filter((part) => part !== null);
    return shares.length === 0 ? null : shares.reduce((sum, part) => sum + part, 0) / shares.length;
  }

  counters(): ReturnType<Shard["counters"]> {
    return sumOf(this.#front.counters(), this.#back.counters());
  }

  memory(): ShardBytes {
    return sumOf(this.#front.memory(), this.#back.memory());
  }

  destroy(): void {
    this.#front.destroy();
    this.#back.destroy();
  }
}

function sumOf<Counts extends Readonly<Record<string, number>>>(
  one: Counts,
  other: Counts,
): Counts {
  const sums = Object.keys(one).map((key) => [key, one[key]! + other[key]!]);
  return Object.fromEntries(sums) as Counts;
}
