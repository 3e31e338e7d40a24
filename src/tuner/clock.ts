/** A clock for measurements on a device that has other work to do: they wait for each other. */
import type { OtherWork } from "../kernels/index.ts";

/** A measurement during which other work ran is repeated, at most so often. */
const MAX_RETRIES = 4;

/** Times measurements between other work. */
export class MeasurementClock {
  readonly #other: OtherWork | null;
  #measuredMs = 0;

  constructor(other: OtherWork | null = null) {
    this.#other = other;
  }

  /** What measurements have taken, without their waits for other work. */
  get measuredMs(): number {
    return this.#measuredMs;
  }

  /** Waits until the device has no other work. */
  async quiet(): Promise<void> {
    await this.#other?.quiet();
  }

  async undisturbed(measure: () => Promise<number>): Promise<number> {
    for (let tries = 0; ; tries++) {
      await this.quiet();
      const before = this.#other?.count;
      const start = performance.now();
      const ms = await measure();
      this.#measuredMs += performance.now() - start;
      if (this.#other?.count === before || tries === MAX_RETRIES) return ms;
    }
  }
}
