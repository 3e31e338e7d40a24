/** A binary heap of proposed merges: highest score first, then leftmost. */
export type ProposedMerge = {
  readonly left: number;
  readonly right: number;
  /** Length of the merged text. Another length means that a side has changed since. */
  readonly length: number;
  readonly score: number;
};

export class MergeQueue {
  readonly #heap: ProposedMerge[] = [];

  push(item: ProposedMerge): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !comesBefore(item, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = item;
  }

  pop(): ProposedMerge | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && comesBefore(right, left)) child++;
      const best = heap[child];
      if (best === undefined || !comesBefore(best, last)) break;
      heap[i] = best;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function comesBefore(a: ProposedMerge, b: ProposedMerge): boolean {
  return a.score > b.score || (a.score === b.score && a.left < b.left);
}
