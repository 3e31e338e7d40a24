/**
 * Whether a silent peer is dead. A tab that closes says so; a machine that
 * sleeps or loses its network does not.
 *
 * Counts unanswered pings and not time: after this machine has slept, one late
 * tick is no proof of anything. Pings are answered from a message handler, which
 * no browser slows in a hidden tab; a hidden tab that pings late only notices late.
 */

/** Often enough to notice within seconds, rare enough to cost nothing. */
export const HEARTBEAT_MS = 2000;
/** 12 s: longer than any main thread blocks while a model loads on a slow machine. */
const UNANSWERED_PINGS = 6;
/** 4 s, once the browser itself doubts the path. */
const UNANSWERED_PINGS_IN_DOUBT = 2;

export class Heartbeat {
  private unanswered = 0;

  /** Any byte from the peer. */
  heard(): void {
    this.unanswered = 0;
  }

  /** Once every `HEARTBEAT_MS`; `inDoubt` when ICE says "disconnected". */
  tick(inDoubt: boolean): "ping" | "dead" {
    if (this.unanswered >= (inDoubt ? UNANSWERED_PINGS_IN_DOUBT : UNANSWERED_PINGS)) return "dead";
    this.unanswered += 1;
    return "ping";
  }
}
