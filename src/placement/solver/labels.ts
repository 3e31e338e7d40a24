/**
 * The labels of one level of the search: flat arrays that grow, a column for each field. Two 32-bit
 * words hold the set of visited members, so a search has at most 64 members.
 */

/** The number of members in a set of visited members. */
export const MAX_MEMBERS = 64;

const FIRST_CAPACITY = 1 << 10;
const INTEGERS = ["low", "high", "first", "last", "end", "parent", "chain"] as const;
const NUMBERS = ["cost", "charge", "bound"] as const;

export class Labels {
  count = 0;
  capacity = FIRST_CAPACITY;
  low = new Int32Array(FIRST_CAPACITY);
  high = new Int32Array(FIRST_CAPACITY);
  first = new Int32Array(FIRST_CAPACITY);
  last = new Int32Array(FIRST_CAPACITY);
  /** The layers that are done. */
  end = new Int32Array(FIRST_CAPACITY);
  cost = new Float64Array(FIRST_CAPACITY);
  charge = new Float64Array(FIRST_CAPACITY);
  bound = new Float64Array(FIRST_CAPACITY);
  /** The label in the previous level. */
  parent = new Int32Array(FIRST_CAPACITY);
  /** The next label with the same key, or -1; dead labels have a bound of Infinity. */
  chain = new Int32Array(FIRST_CAPACITY);

  grow(): void {
    this.capacity *= 2;
    for (const column of INTEGERS) {
      const grown = new Int32Array(this.capacity);
      grown.set(this[column]);
      this[column] = grown;
    }
    for (const column of NUMBERS) {
      const grown = new Float64Array(this.capacity);
      grown.set(this[column]);
      this[column] = grown;
    }
  }

  pushRoot(first: number, end: number, cost: number, charge: number, bound: number): void {
    if (this.count === this.capacity) this.grow();
    const at = this.count++;
    this.low[at] = first < 32 ? 1 << first : 0;
    this.high[at] = first < 32 ? 0 : 1 << (first - 32);
    this.first[at] = first;
    this.last[at] = first;
    this.end[at] = end;
    this.cost[at] = cost;
    this.charge[at] = charge;
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
    this.end[at] = other.end[from]!;
    this.cost[at] = other.cost[from]!;
    this.charge[at] = other.charge[from]!;
    this.bound[at] = other.bound[from]!;
    this.parent[at] = other.parent[from]!;
  }
}
