/** How fast members load weights, from the last placement that loaded. */
import type { RoomState } from "../../shared/index.ts";

/** Before the first measurement: weights from this machine's storage to the GPU. */
const DEFAULT_BYTES_PER_MS = 50_000;
/** A faster load is too short to measure a rate. */
const MIN_LOAD_MS = 100;

export class LoadRate {
  #startedAtMs: number | null = null;
  #bytesPerMs = DEFAULT_BYTES_PER_MS;

  get bytesPerMs(): number {
    return this.#bytesPerMs;
  }

  started(nowMs: number): void {
    this.#startedAtMs = nowMs;
  }

  /** Members load at the same time: the one with the most bytes decides. */
  ready({ members }: RoomState, nowMs: number): void {
    if (this.#startedAtMs === null) return;
    const elapsedMs = nowMs - this.#startedAtMs;
    if (elapsedMs < MIN_LOAD_MS) return;
    const largestBytes = Math.max(0, ...members.map(({ shard }) => shard?.totalBytes ?? 0));
    if (largestBytes > 0) this.#bytesPerMs = largestBytes / elapsedMs;
  }
}
