/**
 * Decides whether a silent peer is gone. A tab that closes sends a message; a
 * machine that sleeps or loses its network does not.
 *
 * Counts unanswered pings, not time: after this machine has slept, one late tick
 * proves nothing. Pings are answered from a message handler, which no browser
 * delays in a hidden tab.
 */

/** Notices a lost peer within seconds and costs almost nothing. */
export const HEARTBEAT_MS = 2000;
/** 12 s: longer than the main thread of a slow machine blocks while it loads a model. */
const UNANSWERED_PINGS = 6;
/** 4 s, while ICE reports "disconnected". */
const UNANSWERED_PINGS_IN_DOUBT = 2;

export class Heartbeat {
  #unanswered = 0;

  /** Call for any byte from the peer. */
  heard(): void {
    this.#unanswered = 0;
  }

  /** Call every `HEARTBEAT_MS`. `inDoubt`: ICE reports "disconnected". */
  tick(inDoubt: boolean): "ping" | "dead" {
    if (this.#unanswered >= (inDoubt ? UNANSWERED_PINGS_IN_DOUBT : UNANSWERED_PINGS)) return "dead";
    this.#unanswered += 1;
    return "ping";
  }
}
