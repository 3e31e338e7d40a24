/**
 * Local search over orders: drop, insert, replace, move, swap and reverse, each
 * candidate with its best cuts. Tables of the current order, forwards and
 * backwards, make a candidate cost only the stages that differ.
 *
 *   done[i][l]   the cheapest way to have [0, l) done by the stages 0 to i
 *   left[i][l]   the cheapest way from layer l to the end by the stages i and on
 */
import type { Instance } from "./instance.ts";
import { firstForward, lastForward, splitOrder, stageForward } from "./layer-split.ts";

/** An order and its linear cost. */
export type Tour = { readonly order: readonly number[]; readonly cost: number };

/** A better order must be better by more than rounding. */
const GAIN = 1e-9;
/** Longest run of stages that is moved as one. */
const LONGEST_RUN = 3;
/** Candidates are looked at between two looks at the clock. */
const CLOCK_INTERVAL = 16;

export class Polisher {
  readonly #inst: Instance;
  readonly #isLate: () => boolean;
  #order: number[] = [];
  #cost = Infinity;
  #looked = 0;
  /** Layers looked at so far: a measure of work that no clock changes. */
  work = 0;
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
    while (!this.#isLate() && this.#step());
    return { order: this.#order, cost: this.#cost };
  }

  #step(): boolean {
    return (
      this.#try(this.#drops()) ||
      this.#try(
        this.#reorders().sort((a, b) => a.hopMs - b.hopMs),
        true,
      ) ||
      this.#try(this.#replacements()) ||
      this.#try(this.#insertions())
    );
  }

  /** Takes the best of the candidates when it is better, or the first that is. */
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

  *#drops(): Iterable<Candidate> {
    const k = this.#order.length;
    if (k <= 2) return;
    for (let i = 0; i < k; i++)
      if (this.#inst.required[this.#order[i]!] !== 1) yield { keep: i, middle: [], resume: i + 1 };
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
          yield { keep: i, middle: [d], resume: i + 1 };
  }

  *#insertions(): Iterable<Candidate> {
    const k = this.#order.length;
    if (k >= this.#inst.maxStages) return;
    for (const d of this.#outsiders())
      for (let i = 0; i <= k; i++) yield { keep: i, middle: [d], resume: i };
  }

  /** The same members in another order, where hops get shorter, with the hops' sum. */
  #reorders(): (Candidate & { readonly hopMs: number })[] {
    const found: (Candidate & { readonly hopMs: number })[] = [];
    const order = this.#order;
    const { n, hop, close } = this.#inst;
    const k = order.length;
    const most = close[order[k - 1]! * n + order[0]!]! - 1e-12;
    const back = new Float64Array(k);
    const forth = new Float64Array(k);
    for (let i = 1; i < k; i++) {
      forth[i] = forth[i - 1]! + hop[order[i - 1]! * n + order[i]!]!;
      back[i] = back[i - 1]! + hop[order[i]! * n + order[i - 1]!]!;
    }
    for (let i = 0; i < k - 1; i++) {
      if (this.#isLate()) return [];
      for (let j = i + 1; j < k; j++) {
        const before = i > 0 ? order[i - 1]! : -1;
        const after = j < k - 1 ? order[j + 1]! : -1;
        const [a, z] = [order[i]!, order[j]!];
        const old = this.#edge(before, a) + this.#edge(z, after);
        /** The changed hops, for new ends of the part and new hops within it. */
        const waysOf = (start: number, end: number, inner: number) => {
          const first = i > 0 ? order[0]! : start;
          const last = j < k - 1 ? order[k - 1]! : end;
          const ends = this.#edge(before, start) + this.#edge(end, after) - old;
          return ends + inner + close[last * n + first]!;
        };
        const resume = j + 1;
        let hopMs = waysOf(z, a, back[j]! - back[i]! - forth[j]! + forth[i]!);
        if (hopMs < most)
          found.push({ keep: i, middle: order.slice(i, resume).reverse(), resume, hopMs });
        if (j > i + 2) {
          const [b, y] = [order[i + 1]!, order[j - 1]!];
          hopMs = waysOf(
            z,
            a,
            this.#edge(z, b) + this.#edge(y, a) - this.#edge(a, b) - this.#edge(y, z),
          );
          if (hopMs < most)
            found.push({ keep: i, middle: [z, ...order.slice(i + 1, j), a], resume, hopMs });
        }
        const length = resume - i;
        for (let run = 1; run < length; run++) {
          if (run > LONGEST_RUN && run < length - LONGEST_RUN) continue;
          const [cut, next] = [order[i + run - 1]!, order[i + run]!];
          hopMs = waysOf(next, cut, this.#edge(z, a) - this.#edge(cut, next));
          if (hopMs >= most) continue;
          const middle = [...order.slice(i + run, resume), ...order.slice(i, i + run)];
          found.push({ keep: i, middle, resume, hopMs });
        }
      }
    }
    return found;
  }

  /** A hop; -1 stands for what is before the first member and after the last. */
  #edge(from: number, to: number): number {
    const { n, hop, embed, head } = this.#inst;
    return from < 0 ? embed[to]! : to < 0 ? head[from]! : hop[from * n + to]!;
  }

  /** The candidate's cost, or anything at or above `below` when it is not better. */
  #evaluate({ keep, middle, resume }: Candidate, below: number): number {
    const { n, L, hop, close, stage } = this.#inst;
    const order = this.#order;
    const k = order.length;
    const first = keep > 0 ? order[0]! : (middle[0] ?? order[resume]!);
    const last = resume < k ? order[k - 1]! : (middle[middle.length - 1] ?? order[keep - 1]!);
    const closing = close[last * n + first]!;
    if (closing === Infinity) return Infinity;
    this.work += (middle.length + 1) * L;
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
};
