/** A clock for measurements on a device that has other work to do: they wait for each other. */
import type { OtherWork } from "../kernels/index.ts";

/** A measurement during which other work ran is repeated, at most so often. */
const MAX_RETRIES = 4;

/** Times measurements between other work; `now` does not advance while they wait for it. */
export class MeasurementClock {
  readonly #other: OtherWork | null;
  #waitedMs = 0;

  constructor(other: OtherWork | null = null) {
    this.#other = other;
  }

  now(): number {
    return performance.now() - this.#waitedMs;
  }

  /** Waits until the device has no other work; the wait does not count against a budget. */
  async quiet(): Promise<void> {
    const start = performance.now();
    await this.#other?.quiet();
    this.#waitedMs += performance.now() - start;
  }

  async undisturbed(measure: () => Promise<number>): Promise<number> {
    if (this.#other === null) return measure();
    for (let tries = 0; ; tries++) {
      await this.quiet();
      const before = this.#other.count;
      const ms = await measure();
      if (this.#other.count === before || tries === MAX_RETRIES) return ms;
    }
  }
}
