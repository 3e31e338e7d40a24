/**
 * Combines device states into few events: the first is sent at once, so that it reaches
 * every member well within 500 ms; those that follow soon are sent together.
 */
import type { Clock, MemberId, DeviceState } from "../../shared/index.ts";

type Sample = { readonly member: MemberId; readonly device: DeviceState };

export class SampleGatherer {
  readonly #clock: Clock;
  readonly #gatherMs: number;
  readonly #onGathered: (states: Sample[]) => void;
  readonly #waiting = new Map<MemberId, DeviceState>();
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, gatherMs: number, onGathered: (states: Sample[]) => void) {
    this.#clock = clock;
    this.#gatherMs = gatherMs;
    this.#onGathered = onGathered;
  }

  add(member: MemberId, device: DeviceState): void {
    this.#waiting.set(member, device);
    if (this.#cancelTimer === null) this.#flush();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#waiting.clear();
  }

  #flush(): void {
    this.#cancelTimer = null;
    if (this.#waiting.size === 0) return;
    const states = [...this.#waiting].map(([member, device]) => ({ member, device }));
    this.#waiting.clear();
    this.#cancelTimer = this.#clock.after(this.#gatherMs, () => this.#flush());
    this.#onGathered(states);
  }
}
