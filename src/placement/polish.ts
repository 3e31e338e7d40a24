/**
 * Local search over orders: drop, insert, replace, move, swap and reverse, each
 * candidate with its best cuts. Tables of the current order, forwards and
 * backwards, make a candidate cost only the stages that differ.
 *
 *   done[i][l]   the cheapest way to have [0, l) done by the stages 0 to i
 *   left[i][l]   the cheapest way from layer l to the end by the stages i and on
 */
import type { Instance } from "./instance.ts";
import { firstForward, lastForward, splitOrder, stageForward } from "./split.ts";

/** An order and its linear cost. */
export type Tour = { readonly order: readonly number[]; readonly cost: number };

/** A better order must be better by more than rounding. */
const GAIN = 1e-9;
/** Longest run of stages that is moved as one. */
const LONGEST_RUN = 3;
/** Candidates are looked at between two looks at the clock. */
const CLOCK_INTERVAL = 64;

export class Polisher {
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
    this.#one = new Float64Array(inst.L + 1);
    this.#two = new Float64Array(inst.L + 1);
  }

  /** The local optimum reached from `order`; the order itself when it cannot be split. */
  improve(order: readonly number[]): Tour {
    this.#take([...order]);
    if (this.#cost === Infinity || order.length < 2) return { order, cost: this.#cost };
    while (this.#step());
    return { order: this.#order, cost: this.#cost };
  }

  #step(): boolean {
    return (
      this.#try(this.#drops()) ||
      this.#try(this.#reorders()) ||
      this.#try(this.#replacements()) ||
      this.#try(this.#insertions())
    );
  }

  /** Takes the best of the candidates when it is better. */
  #try(candidates: Iterable<Candidate>): boolean {
    let best = this.#cost - GAIN * Math.max(1, this.#cost);
    let chosen: Candidate | null = null;
    for (const candidate of candidates) {
      if (++this.#looked % CLOCK_INTERVAL === 0 && this.#isLate()) return false;
      const cost = this.#evaluate(candidate, best);
      if (cost < best) [best, chosen] = [cost, candidate];
    }
    if (chosen === null) return false;
    const { keep, middle, resume } = chosen;
    this.#take([...this.#order.slice(0, keep), ...middle, ...this.#order.slice(resume)]);
    return true;
  }

  *#drops(): Iterable<Candidate> {
    const k = this.#order.length;
    if (k <= 2) return;
    for (let i = 0; i < k; i++)
      if (this.#inst.required[this.#order[i]!] !== 1)
        yield { keep: i, middle: [], resume: i + 1, isReorder: false };
  }

  *#outsiders(): Iterable<number> {
    const inside = new Set(this.#order);
    for (let d = 0; d < this.#inst.n; d++) if (!inside.has(d)) yield d;
  }

  *#replacements(): Iterable<Candidate> {
    const k = this.#order.length;
    for (const d of this.#outsiders())
      for (let i = 0; i < k; i++)
        if (this.#inst.required[this.#order[i]!] !== 1)
          yield { keep: i, middle: [d], resume: i + 1, isReorder: false };
  }

  *#insertions(): Iterable<Candidate> {
    const k = this.#order.length;
    if (k >= this.#inst.maxStages) return;
    for (const d of this.#outsiders())
      for (let i = 0; i <= k; i++) yield { keep: i, middle: [d], resume: i, isReorder: false };
  }

  *#reorders(): Iterable<Candidate> {
    const order = this.#order;
    const k = order.length;
    for (let i = 0; i < k - 1; i++)
      for (let j = i + 1; j < k; j++) {
        const part = order.slice(i, j + 1);
        yield { keep: i, middle: [...part].reverse(), resume: j + 1, isReorder: true };
        if (j > i + 2) {
          const swapped = [...part];
          [swapped[0], swapped[part.length - 1]] = [part[part.length - 1]!, part[0]!];
          yield { keep: i, middle: swapped, resume: j + 1, isReorder: true };
        }
        for (let run = 1; run <= LONGEST_RUN && run < part.length; run++) {
          const forth = [...part.slice(run), ...part.slice(0, run)];
          yield { keep: i, middle: forth, resume: j + 1, isReorder: true };
          if (run === part.length - run) continue;
          const back = [...part.slice(part.length - run), ...part.slice(0, part.length - run)];
          yield { keep: i, middle: back, resume: j + 1, isReorder: true };
        }
      }
  }

  /** The candidate's cost, or anything at or above `below` when it is not better. */
  #evaluate({ keep, middle, resume, isReorder }: Candidate, below: number): number {
    const { n, L, hop, close, stage } = this.#inst;
    const order = this.#order;
    const k = order.length;
    const first = keep > 0 ? order[0]! : (middle[0] ?? order[resume]!);
    const last = resume < k ? order[k - 1]! : (middle[middle.length - 1] ?? order[keep - 1]!);
    const closing = close[last * n + first]!;
    if (closing === Infinity) return Infinity;
    if (isReorder && !(this.#hopChange(keep, middle, resume) + closing < this.#closing() - 1e-12))
      return Infinity;
    let values = keep > 0 ? this.#done[keep - 1]! : null;
    let at = keep > 0 ? order[keep - 1]! : -1;
    let into = this.#one;
    for (let i = 0; i < middle.length; i++) {
      const d = middle[i]!;
      const isLast = resume === k && i === middle.length - 1;
      if (values === null) {
        if (isLast) return Infinity;
        firstForward(this.#inst, d, into);
      } else {
        const way = hop[at * n + d]!;
        if (way === Infinity) return Infinity;
        if (isLast) return lastForward(this.#inst, d, values) + way + closing;
        stageForward(this.#inst, d, values, into);
        const add = way + stage[d]!;
        for (let l = 1; l < L; l++) into[l] = into[l]! + add;
      }
      values = into;
      into = values === this.#one ? this.#two : this.#one;
      at = d;
    }
    if (resume === k) return this.#endAt(values, at, closing, keep);
    const next = order[resume]!;
    if (values === null) {
      // The stage at `resume` becomes the first one.
      if (resume === k - 1) return Infinity;
      firstForward(this.#inst, next, into);
      return this.#join(into, hop[next * n + order[resume + 1]!]!, resume + 1, closing, below);
    }
    return this.#join(values, hop[at * n + next]!, resume, closing, below);
  }

  /** The stage before a dropped last one becomes the last. */
  #endAt(_values: Float64Array | null, at: number, closing: number, keep: number): number {
    if (keep < 2) return Infinity;
    const before = this.#done[keep - 2]!;
    const way = this.#inst.hop[this.#order[keep - 2]! * this.#inst.n + at]!;
    return lastForward(this.#inst, at, before) + way + closing;
  }

  #join(values: Float64Array, way: number, resume: number, closing: number, below: number): number {
    if (way === Infinity) return Infinity;
    const left = this.#left[resume]!;
    let best = Infinity;
    for (let l = 1; l < this.#inst.L; l++) {
      const total = values[l]! + left[l]!;
      if (total < best) best = total;
    }
    const cost = best + way + closing;
    return cost < below ? cost : Infinity;
  }

  #closing(): number {
    const order = this.#order;
    return this.#inst.close[order[order.length - 1]! * this.#inst.n + order[0]!]!;
  }

  /** What hops, embedding and head cost more when only the order changes. */
  #hopChange(keep: number, middle: readonly number[], resume: number): number {
    const { n, hop, embed, head } = this.#inst;
    const order = this.#order;
    const k = order.length;
    let change = 0;
    let before = keep > 0 ? order[keep - 1]! : -1;
    for (const d of middle) {
      change += before < 0 ? embed[d]! : hop[before * n + d]!;
      before = d;
    }
    change += resume < k ? hop[before * n + order[resume]!]! : head[before]!;
    before = keep > 0 ? order[keep - 1]! : -1;
    for (let i = keep; i < resume; i++) {
      change -= before < 0 ? embed[order[i]!]! : hop[before * n + order[i]!]!;
      before = order[i]!;
    }
    change -= resume < k ? hop[before * n + order[resume]!]! : head[before]!;
    return change;
  }

  #take(order: number[]): void {
    const { L, n, hop, stage } = this.#inst;
    this.#order = order;
    const k = order.length;
    this.#cost = splitOrder(this.#inst, order).cost;
    if (k < 2) return;
    while (this.#done.length < k) {
      this.#done.push(new Float64Array(L + 1));
      this.#left.push(new Float64Array(L + 1));
    }
    firstForward(this.#inst, order[0]!, this.#done[0]!);
    for (let i = 1; i < k; i++) {
      const after = this.#done[i]!;
      stageForward(this.#inst, order[i]!, this.#done[i - 1]!, after);
      const add = stage[order[i]!]! + hop[order[i - 1]! * n + order[i]!]!;
      for (let l = 1; l < L; l++) after[l] = after[l]! + add;
    }
    this.#fillLeft();
  }

  #fillLeft(): void {
    const { L, n, prefix, reach, minEnd, stage, head, hop, lastStart } = this.#inst;
    const order = this.#order;
    const k = order.length;
    for (let i = k - 1; i >= 0; i--) {
      const d = order[i]!;
      const row = d * (L + 1);
      const left = this.#left[i]!;
      left.fill(Infinity);
      const next = i < k - 1 ? this.#left[i + 1]! : null;
      const way = i < k - 1 ? hop[d * n + order[i + 1]!]! : 0;
      for (let s = L - 1; s >= 1; s--) {
        const end = reach[row + s]!;
        let best = Infinity;
        if (next === null) {
          if (s >= lastStart[d]! && end === L) best = prefix[row + L]! + head[d]!;
        } else
          for (let e = minEnd[row + s]!; e <= end && e < L; e++)
            best = Math.min(best, prefix[row + e]! + next[e]! + way);
        left[s] = best - prefix[row + s]! + stage[d]!;
      }
    }
  }
}

/** The order with the stages `[keep, resume)` replaced by `middle`. */
type Candidate = {
  readonly keep: number;
  readonly middle: readonly number[];
  readonly resume: number;
  /** The same members: only hops change. */
  readonly isReorder: boolean;
};
