/**
 * Combines device states into few events: the first is sent at once, so that it reaches
 * every member well within 500 ms; those that follow soon are sent together.
 */
import type { MemberId, DeviceState } from "../../shared/index.ts";

type Sample = { readonly member: MemberId; readonly device: DeviceState };

export class SampleGatherer {
  readonly #gatherMs: number;
  readonly #onGathered: (states: Sample[]) => void;
  readonly #waiting = new Map<MemberId, DeviceState>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(gatherMs: number, onGathered: (states: Sample[]) => void) {
    this.#gatherMs = gatherMs;
    this.#onGathered = onGathered;
  }

  add(member: MemberId, device: DeviceState): void {
    this.#waiting.set(member, device);
    if (this.#timer === null) this.#flush();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.clear();
  }

  #flush(): void {
    this.#timer = null;
    if (this.#waiting.size === 0) return;
    const states = [...this.#waiting].map(([member, device]) => ({ member, device }));
    this.#waiting.clear();
    this.#timer = setTimeout(() => this.#flush(), this.#gatherMs);
    this.#onGathered(states);
  }
}
