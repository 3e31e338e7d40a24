/**
 * Local search over orders; `moves.ts` lists the neighbors of an order. Tables of the current order,
 * forwards and backwards, make a neighbor cost only the stages that differ.
 *
 *   done[i][l]   the cheapest way to run the layers [0, l) on the stages 0 to i
 *   left[i][l]   the cheapest way to run the layers from l on, on the stages i and later
 */
import type { Instance } from "./instance.ts";
import { firstForward, lastForward, splitOrder, stageForward } from "./layer-split.ts";
import { drops, insertions, reorders, replacements, type Candidate } from "./moves.ts";

/** A better order must be better by more than rounding. */
const GAIN = 1e-9;
/** Candidates evaluated between two checks of the clock. */
const CLOCK_INTERVAL = 16;

export class LocalSearch {
  readonly #inst: Instance;
  readonly #isLate: () => boolean;
  #order: number[] = [];
  #cost = Infinity;
  #looked = 0;
  #done: Float64Array[] = [];
  #left: Float64Array[] = [];
  readonly #one: Float64Array;
  readonly #two: Float64Array;

  constructor(inst: Instance, isLate: () => boolean) {
    this.#inst = inst;
    this.#isLate = isLate;
    this.#one = new Float64Array(inst.layerCount + 1);
    this.#two = new Float64Array(inst.layerCount + 1);
  }

  /** The local optimum reached from `order`; the order itself if it has no valid split. */
  improve(order: readonly number[]): readonly number[] {
    this.#take([...order]);
    if (this.#cost === Infinity || order.length < 2) return order;
    while (!this.#isLate() && this.#step());
    return this.#order;
  }

  #step(): boolean {
    return (
      this.#try(drops(this.#inst, this.#order)) ||
      this.#try(
        reorders(this.#inst, this.#order, this.#isLate).sort(
          (left, right) => left.hopMs - right.hopMs,
        ),
        true,
      ) ||
      this.#try(replacements(this.#inst, this.#order)) ||
      this.#try(insertions(this.#inst, this.#order))
    );
  }

  /** Takes the best candidate, or the first better one; false if none is better. */
  #try(candidates: Iterable<Candidate>, takesFirst = false): boolean {
    let best = this.#cost - GAIN * Math.max(1, this.#cost);
    let chosen: Candidate | null = null;
    for (const candidate of candidates) {
      if (++this.#looked % CLOCK_INTERVAL === 0 && this.#isLate()) return false;
      const cost = this.#evaluate(candidate, best);
      if (cost >= best) continue;
      [best, chosen] = [cost, candidate];
      if (takesFirst) break;
    }
    if (chosen === null) return false;
    const { keep, middle, resume } = chosen;
    this.#take([...this.#order.slice(0, keep), ...middle, ...this.#order.slice(resume)]);
    return true;
  }

  /** The candidate's cost, or any value that is at least `below` if it is not better. */
  #evaluate({ keep, middle, resume }: Candidate, below: number): number {
    const { memberCount, layerCount, hop, close, stage } = this.#inst;
    const order = this.#order;
    const length = order.length;
    const first = keep > 0 ? order[0]! : (middle[0] ?? order[resume]!);
    const last =
      resume < length ? order[length - 1]! : (middle[middle.length - 1] ?? order[keep - 1]!);
    const closing = close[last * memberCount + first]!;
    if (closing === Infinity) return Infinity;
    let values = keep > 0 ? this.#done[keep - 1]! : null;
    let at = keep > 0 ? order[keep - 1]! : -1;
    let into = this.#one;
    for (let index = 0; index < middle.length; index++) {
      const member = middle[index]!;
      const isLast = resume === length && index === middle.length - 1;
      if (values === null) {
        if (isLast) return Infinity;
        firstForward(this.#inst, member, into);
      } else {
        const way = hop[at * memberCount + member]!;
        if (way === Infinity) return Infinity;
        if (isLast) return lastForward(this.#inst, member, values) + way + closing;
        stageForward(this.#inst, member, values, into);
        const add = way + stage[member]!;
        for (let layer = 1; layer < layerCount; layer++) into[layer] = into[layer]! + add;
      }
      values = into;
      into = values === this.#one ? this.#two : this.#one;
      at = member;
    }
    if (resume === length) return this.#endAt(at, closing, keep);
    const next = order[resume]!;
    if (values === null) {
      // The stage at `resume` becomes the first one.
      if (resume === length - 1) return Infinity;
      firstForward(this.#inst, next, into);
      return this.#join(
        into,
        hop[next * memberCount + order[resume + 1]!]!,
        resume + 1,
        closing,
        below,
      );
    }
    return this.#join(values, hop[at * memberCount + next]!, resume, closing, below);
  }

  /** The cost when the last stage is dropped and the one before it becomes the last. */
  #endAt(at: number, closing: number, keep: number): number {
    if (keep < 2) return Infinity;
    const before = this.#done[keep - 2]!;
    const way = this.#inst.hop[this.#order[keep - 2]! * this.#inst.memberCount + at]!;
    return lastForward(this.#inst, at, before) + way + closing;
  }

  #join(values: Float64Array, way: number, resume: number, closing: number, below: number): number {
    if (way === Infinity) return Infinity;
    const left = this.#left[resume]!;
    let best = Infinity;
    for (let layer = 1; layer < this.#inst.layerCount; layer++) {
      const total = values[layer]! + left[layer]!;
      if (total < best) best = total;
    }
    const cost = best + way + closing;
    return cost < below ? cost : Infinity;
  }

  #take(order: number[]): void {
    const { layerCount, memberCount, hop, stage } = this.#inst;
    this.#order = order;
    const length = order.length;
    this.#cost = splitOrder(this.#inst, order).cost;
    if (length < 2) return;
    while (this.#done.length < length) {
      this.#done.push(new Float64Array(layerCount + 1));
      this.#left.push(new Float64Array(layerCount + 1));
    }
    firstForward(this.#inst, order[0]!, this.#done[0]!);
    for (let index = 1; index < length; index++) {
      const after = this.#done[index]!;
      stageForward(this.#inst, order[index]!, this.#done[index - 1]!, after);
      const add = stage[order[index]!]! + hop[order[index - 1]! * memberCount + order[index]!]!;
      for (let layer = 1; layer < layerCount; layer++) after[layer] = after[layer]! + add;
    }
    this.#fillLeft();
  }

  #fillLeft(): void {
    const { layerCount, memberCount, prefix, reach, stage, head, hop, lastStart } = this.#inst;
    const order = this.#order;
    const length = order.length;
    for (let index = length - 1; index >= 0; index--) {
      const member = order[index]!;
      const row = member * (layerCount + 1);
      const left = this.#left[index]!;
      left.fill(Infinity);
      const next = index < length - 1 ? this.#left[index + 1]! : null;
      const way = index < length - 1 ? hop[member * memberCount + order[index + 1]!]! : 0;
      for (let start = layerCount - 1; start >= 1; start--) {
        const end = reach[row + start]!;
        let best = Infinity;
        if (next === null) {
          if (start >= lastStart[member]! && end === layerCount)
            best = prefix[row + layerCount]! + head[member]!;
        } else
          for (let until = start + 1; until <= end && until < layerCount; until++)
            best = Math.min(best, prefix[row + until]! + next[until]! + way);
        left[start] = best - prefix[row + start]! + stage[member]!;
      }
    }
  }
}
