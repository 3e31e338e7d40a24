/**
 * The levels of one search, and the dominance between the labels of the newest level: a hash table
 * maps (members visited, first member, last member) to the labels that compete: of those with the same
 * number of layers done, the cheapest stays.
 */
import type { Instance } from "./instance.ts";
import { Labels } from "./labels.ts";
import type { Plan } from "./plan.ts";

export class LabelTable {
  readonly #levels: Labels[] = [new Labels()];
  #depth = 0;
  readonly #children = new Labels();
  #slots = new Int32Array(1 << 12);
  #slotRound = new Int32Array(1 << 12);
  #round = 0;
  #used = 0;
  readonly #inst: Instance;

  constructor(inst: Instance) {
    this.#inst = inst;
  }

  /** An empty first level. */
  start(): Labels {
    this.#depth = 0;
    this.current().count = 0;
    return this.current();
  }

  current(): Labels {
    return this.#level(this.#depth);
  }

  /** An empty buffer for the children of the newest level. */
  next(): Labels {
    this.#children.count = 0;
    this.#round++;
    this.#used = 0;
    return this.#children;
  }

  /** Adds a child unless another dominates it; those that it dominates get a bound of Infinity. */
  push(
    children: Labels,
    parent: number,
    low: number,
    high: number,
    first: number,
    last: number,
    end: number,
    cost: number,
    charge: number,
    bound: number,
  ): void {
    const lowNow = last < 32 ? low | (1 << last) : low;
    const highNow = last < 32 ? high : high | (1 << (last - 32));
    if (this.#used * 2 >= this.#slots.length) this.#rehash(children);
    const slot = this.#slotOf(children, lowNow, highNow, first, last);
    let head = -1;
    if (this.#slotRound[slot] === this.#round) {
      head = this.#slots[slot]!;
      for (let at = head; at >= 0; at = children.chain[at]!) {
        if (children.end[at] !== end) continue;
        if (children.cost[at]! > cost) children.bound[at] = Infinity;
        else if (children.bound[at] !== Infinity) return;
      }
    } else {
      this.#slotRound[slot] = this.#round;
      this.#used++;
    }
    if (children.count === children.capacity) children.grow();
    const at = children.count++;
    children.low[at] = lowNow;
    children.high[at] = highNow;
    children.first[at] = first;
    children.last[at] = last;
    children.end[at] = end;
    children.cost[at] = cost;
    children.charge[at] = charge;
    children.bound[at] = bound;
    children.parent[at] = parent;
    children.chain[at] = head;
    this.#slots[slot] = at;
  }

  /**
   * Makes the best `width` children with a bound below `cutoff` the newest level. Returns the lowest
   * bound that was dropped because of `width`, or Infinity.
   */
  keepBest(width: number, cutoff: number): number {
    const children = this.#children;
    let alive = 0;
    for (let at = 0; at < children.count; at++) if (children.bound[at]! < cutoff) alive++;
    let threshold = cutoff;
    if (alive > width) {
      const bounds = new Float64Array(alive);
      let filled = 0;
      for (let at = 0; at < children.count; at++)
        if (children.bound[at]! < cutoff) bounds[filled++] = children.bound[at]!;
      bounds.sort();
      threshold = bounds[width]!;
    }
    this.#depth++;
    const level = this.#level(this.#depth);
    level.count = 0;
    let ties = 0;
    if (alive > width) {
      ties = width;
      for (let at = 0; at < children.count; at++) if (children.bound[at]! < threshold) ties--;
    }
    for (let at = 0; at < children.count; at++) {
      const bound = children.bound[at]!;
      if (bound < threshold || (bound === threshold && ties-- > 0)) level.copyFrom(children, at);
    }
    return alive > width ? threshold : Infinity;
  }

  /** The plan that continues a label of the newest level with `last`, which holds all layers left. */
  complete(level: Labels, label: number, last: number, cost: number): Plan {
    const order = [last];
    const ends = [this.#inst.layerCount];
    let at = label;
    let depth = this.#levels.indexOf(level);
    while (at >= 0 && depth >= 0) {
      const labels = this.#levels[depth]!;
      order.push(labels.last[at]!);
      ends.push(labels.end[at]!);
      at = labels.parent[at]!;
      depth--;
    }
    return { order: order.reverse(), ends: Int32Array.from(ends.reverse()), cost };
  }

  /** Whether all required members have been visited, `last` included. */
  hasRequired(low: number, high: number, last: number): boolean {
    const { memberCount, required } = this.#inst;
    for (let member = 0; member < memberCount; member++) {
      if (required[member] !== 1 || member === last) continue;
      if (!((member < 32 ? low >>> member : high >>> (member - 32)) & 1)) return false;
    }
    return true;
  }

  #level(depth: number): Labels {
    let level = this.#levels[depth];
    if (level === undefined) {
      level = new Labels();
      this.#levels[depth] = level;
    }
    return level;
  }

  #slotOf(children: Labels, low: number, high: number, first: number, last: number): number {
    const mask = this.#slots.length - 1;
    let hash =
      Math.imul(low ^ ((last + 64 * first) * 0x9e3779b1), 0x85ebca6b) ^ Math.imul(high, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
    let slot = (hash ^ (hash >>> 13)) & mask;
    while (this.#slotRound[slot] === this.#round) {
      const at = this.#slots[slot]!;
      if (
        children.low[at] === low &&
        children.high[at] === high &&
        children.last[at] === last &&
        children.first[at] === first
      )
        return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #rehash(children: Labels): void {
    const heads: number[] = [];
    for (let slot = 0; slot < this.#slots.length; slot++)
      if (this.#slotRound[slot] === this.#round) heads.push(this.#slots[slot]!);
    const size = this.#slots.length * 2;
    this.#slots = new Int32Array(size);
    this.#slotRound = new Int32Array(size);
    this.#round = 1;
    for (const head of heads) {
      const slot = this.#slotOf(
        children,
        children.low[head]!,
        children.high[head]!,
        children.first[head]!,
        children.last[head]!,
      );
      this.#slots[slot] = head;
      this.#slotRound[slot] = 1;
    }
  }
}
