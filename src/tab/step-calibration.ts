/**
 * The expected time of a decode step on this device: the probe's prediction times a
 * factor. The probe measures one product at a time, and a step does more than that, so a
 * healthy device is slower by some factor. The first steps of a tab show the factor, and
 * only slower steps count as throttling.
 *
 * The factor falls when steps stay faster than it, and never rises: a device that slows
 * down must not count as normal.
 */
import { median } from "../shared/index.ts";

/** Samples in the median: about ten seconds of answers. */
const WINDOW = 5;
/** A median below this share of the factor is a faster device, not noise. */
const FASTER = 0.8;

export class StepCalibration {
  #recent: number[] = [];
  #factor: number | null = null;

  /** Steps took `stepMs` in the median; the probe predicts `probeMs`. */
  take(stepMs: number, probeMs: number): void {
    if (!(stepMs > 0) || !(probeMs > 0)) return;
    this.#recent = [...this.#recent, stepMs / probeMs].slice(-WINDOW);
    if (this.#recent.length < WINDOW) return;
    const middle = median(this.#recent);
    if (this.#factor === null || middle < this.#factor * FASTER) this.#factor = middle;
  }

  /** The expected time of a step; null before enough samples. */
  expectedMs(probeMs: number): number | null {
    return this.#factor === null ? null : probeMs * this.#factor;
  }

  /** The device was measured again: the factor is no longer known. */
  reset(): void {
    this.#recent = [];
    this.#factor = null;
  }
}
