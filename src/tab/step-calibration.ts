/**
 * What a decode step should take on this device: the probe's prediction times
 * what is normal here. The probe measures one product at a time and a step does
 * more than that, so a healthy device is some factor off; the first steps of a
 * tab show the factor, and only what is slower than that counts as throttling.
 *
 * The factor falls when steps stay faster than it, and never rises: a device
 * that slows down must not pass for normal.
 */

/** Samples that the median is taken over; about ten seconds of answers. */
const WINDOW = 5;
/** A median this much below the factor is a faster device, not noise. */
const FASTER = 0.8;

export class StepCalibration {
  #recent: number[] = [];
  #factor: number | null = null;

  /** After steps that took `stepMs` in the median where the probe says `probeMs`. */
  take(stepMs: number, probeMs: number): void {
    if (!(stepMs > 0) || !(probeMs > 0)) return;
    this.#recent = [...this.#recent, stepMs / probeMs].slice(-WINDOW);
    if (this.#recent.length < WINDOW) return;
    const middle = this.#recent.toSorted((one, other) => one - other)[WINDOW >> 1]!;
    if (this.#factor === null || middle < this.#factor * FASTER) this.#factor = middle;
  }

  /** What a step should take; null until enough was seen to say. */
  expectedMs(probeMs: number): number | null {
    return this.#factor === null ? null : probeMs * this.#factor;
  }

  /** The device was measured anew: what was normal is not known any more. */
  reset(): void {
    this.#recent = [];
    this.#factor = null;
  }
}
