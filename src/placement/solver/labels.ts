/**
 * Storage for the search's labels: flat arrays that grow, one level at a time,
 * with a hash table from (members visited, last member) to the labels that
 * compete. Knows dominance; knows nothing of costs, multipliers or bounds.
 *
 * Up to 64 members: two 32-bit words hold the set of those visited.
 */
import type { Instance } from "./instance.ts";

/** The most members a set of visited ones can name. */
export const MAX_MEMBERS = 64;

const FIRST_CAPACITY = 1 << 10;

/** The labels of one level, a column for each field. */
export class Labels {
  count = 0;
  capacity = FIRST_CAPACITY;
  low = new Int32Array(FIRST_CAPACITY);
  high = new Int32Array(FIRST_CAPACITY);
  first = new Int32Array(FIRST_CAPACITY);
  last = new Int32Array(FIRST_CAPACITY);
  /** Where the last member's shard begins and ends. */
  begin = new Int32Array(FIRST_CAPACITY);
  end = new Int32Array(FIRST_CAPACITY);
  cost = new Float64Array(FIRST_CAPACITY);
  charge = new Float64Array(FIRST_CAPACITY);
  bound = new Float64Array(FIRST_CAPACITY);
  /** The label in the level before. */
  parent = new Int32Array(FIRST_CAPACITY);
  /** The next label with the same key, or -1; dead labels have a bound of Infinity. */
  chain = new Int32Array(FIRST_CAPACITY);

  grow(): void {
    this.capacity *= 2;
    const words = (old: Int32Array<ArrayBuffer>) => {
      const grown = new Int32Array(this.capacity);
      grown.set(old);
      return grown;
    };
    const numbers = (old: Float64Array<ArrayBuffer>) => {
      const grown = new Float64Array(this.capacity);
      grown.set(old);
      return grown;
    };
    this.low = words(this.low);
    this.high = words(this.high);
    this.first = words(this.first);
    this.last = words(this.last);
    this.begin = words(this.begin);
    this.end = words(this.end);
    this.parent = words(this.parent);
    this.chain = words(this.chain);
    this.cost = numbers(this.cost);
    this.charge = numbers(this.charge);
    this.bound = numbers(this.bound);
  }

  pushRoot(first: number, end: number, cost: number, paid: number, bound: number): void {
    if (this.count === this.capacity) this.grow();
    const at = this.count++;
    this.low[at] = first < 32 ? 1 << first : 0;
    this.high[at] = first < 32 ? 0 : 1 << (first - 32);
    this.first[at] = first;
    this.last[at] = first;
    this.begin[at] = 0;
    this.end[at] = end;
    this.cost[at] = cost;
    this.charge[at] = paid;
    this.bound[at] = bound;
    this.parent[at] = -1;
  }

  copyFrom(other: Labels, from: number): void {
    if (this.count === this.capacity) this.grow();
    const at = this.count++;
    this.low[at] = other.low[from]!;
    this.high[at] = other.high[from]!;
    this.first[at] = other.first[from]!;
    this.last[at] = other.last[from]!;
    this.begin[at] = other.begin[from]!;
    this.end[at] = other.end[from]!;
    this.cost[at] = other.cost[from]!;
    this.charge[at] = other.charge[from]!;
    this.bound[at] = other.bound[from]!;
    this.parent[at] = other.parent[from]!;
  }
}

/** All levels of one search, and the competition within the newest. */
export class LabelTable {
  readonly #levels: Labels[] = [new Labels()];
  #depth = 0;
  readonly #children = new Labels();
  #slots = new Int32Array(1 << 12);
  #slotRound = new Int32Array(1 << 12);
  #round = 0;
  #used = 0;
  /** Labels ever pushed: a measure of work that no clock changes. */
  work = 0;
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

  /** Adds a child unless another dominates it, and kills those that it dominates. */
  push(
    children: Labels,
    parent: number,
    low: number,
    high: number,
    first: number,
    last: number,
    begin: number,
    end: number,
    cost: number,
    paid: number,
    bound: number,
    skipSafe: boolean,
  ): void {
    this.work++;
    const lowNow = last < 32 ? low | (1 << last) : low;
    const highNow = last < 32 ? high : high | (1 << (last - 32));
    if (this.#used * 2 >= this.#slots.length) this.#rehash(children);
    const slot = this.#slotOf(children, lowNow, highNow, first, last);
    let head = -1;
    if (this.#slotRound[slot] === this.#round) {
      head = this.#slots[slot]!;
      for (let at = head; at >= 0; at = children.chain[at]!) {
        const otherEnd = children.end[at]!;
        const otherCost = children.cost[at]!;
        if (otherEnd === end || skipSafe) {
          if (otherEnd >= end && otherCost <= cost) {
            if (children.bound[at] !== Infinity) return;
          } else if (otherEnd <= end && otherCost >= cost) children.bound[at] = Infinity;
        } else if (otherEnd > end) {
          // Its last shard, cut off at `end`, would be cheaper still.
          if (otherCost < cost && children.begin[at]! < end && children.bound[at] !== Infinity)
            return;
        } else if (cost < otherCost && begin < otherEnd) children.bound[at] = Infinity;
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
    children.begin[at] = begin;
    children.end[at] = end;
    children.cost[at] = cost;
    children.charge[at] = paid;
    children.bound[at] = bound;
    children.parent[at] = parent;
    children.chain[at] = head;
    this.#slots[slot] = at;
  }

  /**
   * Makes the best `width` children with a bound below `cutoff` the newest level.
   * Returns the least bound that was dropped for want of room, or Infinity.
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

  /** The members and ends of a label of the newest level. */
  trace(level: Labels, label: number): { order: number[]; ends: number[] } {
    const order: number[] = [];
    const ends: number[] = [];
    let at = label;
    let depth = this.#levels.indexOf(level);
    while (at >= 0 && depth >= 0) {
      const labels = this.#levels[depth]!;
      order.push(labels.last[at]!);
      ends.push(labels.end[at]!);
      at = labels.parent[at]!;
      depth--;
    }
    return { order: order.reverse(), ends: ends.reverse() };
  }

  /** Whether all required members are visited once `last` is. */
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
