/**
 * The labels of one search: flat arrays that grow, a column for each field. Those of a level follow
 * those of the level before it. Two 32-bit words hold the set of visited members, so a search has at
 * most 64 members.
 */

/** The number of members in a set of visited members. */
export const MAX_MEMBERS = 64;

const FIRST_CAPACITY = 1 << 10;
/** A power of two. Labels with the same hash form a chain. */
const HASHES = 1 << 16;
const INTEGERS = ["low", "high", "last", "end", "parent", "chain"] as const;
const NUMBERS = ["cost", "charge", "bound"] as const;

/** Whether the set of members in these two words has `member`. */
export function hasMember(low: number, high: number, member: number): boolean {
  return ((member < 32 ? low >>> member : high >>> (member - 32)) & 1) === 1;
}

export class Labels {
  count = 0;
  low = new Int32Array(FIRST_CAPACITY);
  high = new Int32Array(FIRST_CAPACITY);
  last = new Int32Array(FIRST_CAPACITY);
  /** The layers that are done. */
  end = new Int32Array(FIRST_CAPACITY);
  cost = new Float64Array(FIRST_CAPACITY);
  charge = new Float64Array(FIRST_CAPACITY);
  bound = new Float64Array(FIRST_CAPACITY);
  /** The label of the stage before, or -1. */
  parent = new Int32Array(FIRST_CAPACITY);
  /** The label before it with the same hash in the newest level, or -1. */
  chain = new Int32Array(FIRST_CAPACITY);
  /** By hash, the latest label of the newest level. */
  readonly #latest = new Int32Array(HASHES).fill(-1);

  /**
   * Adds a label to the newest level. Of two with the same members, the same last member, and as many
   * layers done, the cheaper one stays.
   */
  push(
    parent: number,
    last: number,
    end: number,
    cost: number,
    charge: number,
    bound: number,
  ): void {
    let low = parent < 0 ? 0 : this.low[parent]!;
    let high = parent < 0 ? 0 : this.high[parent]!;
    if (last < 32) low |= 1 << last;
    else high |= 1 << (last - 32);
    const hash = hashOf(low, high, last, end);
    for (let at = this.#latest[hash]!; at >= 0; at = this.chain[at]!) {
      const isSame =
        this.low[at] === low &&
        this.high[at] === high &&
        this.last[at] === last &&
        this.end[at] === end;
      if (!isSame) continue;
      if (cost >= this.cost[at]!) return;
      this.cost[at] = cost;
      this.bound[at] = bound;
      this.parent[at] = parent;
      return;
    }
    if (this.count === this.low.length) this.#grow();
    const at = this.count++;
    this.low[at] = low;
    this.high[at] = high;
    this.last[at] = last;
    this.end[at] = end;
    this.cost[at] = cost;
    this.charge[at] = charge;
    this.bound[at] = bound;
    this.parent[at] = parent;
    this.chain[at] = this.#latest[hash]!;
    this.#latest[hash] = at;
  }

  /**
   * Ends the newest level, which starts at `from`: it keeps the best `width` labels with a bound below
   * `cutoff`. Returns the lowest bound that was dropped because of `width`, or Infinity.
   */
  keepBest(from: number, width: number, cutoff: number): number {
    for (let at = from; at < this.count; at++) this.#latest[this.#hash(at)] = -1;
    let dropped = Infinity;
    let ties = 0;
    if (this.count - from > width) {
      const bounds = this.bound.slice(from, this.count).sort();
      dropped = bounds[width]!;
      ties = width - bounds.indexOf(dropped);
    }
    let kept = from;
    for (let at = from; at < this.count; at++) {
      const bound = this.bound[at]!;
      if (bound >= cutoff || bound > dropped || (bound === dropped && --ties < 0)) continue;
      for (const column of INTEGERS) this[column][kept] = this[column][at]!;
      for (const column of NUMBERS) this[column][kept] = this[column][at]!;
      kept++;
    }
    this.count = kept;
    return dropped < cutoff ? dropped : Infinity;
  }

  #hash(at: number): number {
    return hashOf(this.low[at]!, this.high[at]!, this.last[at]!, this.end[at]!);
  }

  #grow(): void {
    for (const column of INTEGERS) {
      const grown = new Int32Array(2 * this.count);
      grown.set(this[column]);
      this[column] = grown;
    }
    for (const column of NUMBERS) {
      const grown = new Float64Array(2 * this.count);
      grown.set(this[column]);
      this[column] = grown;
    }
  }
}

function hashOf(low: number, high: number, last: number, end: number): number {
  let hash =
    Math.imul(low ^ ((last + 64 * end) * 0x9e3779b1), 0x85ebca6b) ^ Math.imul(high, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
  return (hash ^ (hash >>> 13)) & (HASHES - 1);
}
