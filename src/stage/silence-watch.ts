/**
 * Which peers have been silent for too long, from the frames that come. Pure: the owner says what it
 * heard, and looks after each interval.
 *
 * Counts the looks since the last frame, not time: after this worker has been blocked, one late look
 * proves nothing. A peer whose worker was blocked for a while, and came back, may be as silent again.
 */
import type { MemberId } from "../shared/index.ts";

/** While an answer runs. */
export const RUNNING_LOOK_MS = 250;
/** Pings of an idle room are rarer. */
export const IDLE_LOOK_MS = 1000;
/** A peer is suspected after this silence, or after as many looks as that takes, and two at least. */
const SUSPECT_MS = 750;
const SUSPECT_LOOKS = 2;
/** After that it has this long to answer on the control channel: 1.25 s of silence in all. */
const AGAIN_MS = 500;
/** Of the longest silence that a peer has come back from. */
const TOLERANCE = 2;
/** An earlier silence counts half as much after this time. */
const HALF_LIFE_MS = 10_000;
/** However long a peer was silent before. */
const MAX_SUSPECT_MS = 12_000;

export type Silence = {
  readonly peer: MemberId;
  readonly again: boolean;
};

type Watched = {
  silentMs: number;
  /** The longest silence that it came back from, less if that is long ago. */
  longestMs: number;
  told: "nothing" | "suspected" | "again";
};

export class SilenceWatch {
  readonly #peers = new Map<MemberId, Watched>();

  /** Watched from its first frame on: a worker that starts sends none. */
  heard(peer: MemberId): void {
    const watched = this.#peers.get(peer);
    if (watched === undefined) {
      this.#peers.set(peer, { silentMs: 0, longestMs: 0, told: "nothing" });
      return;
    }
    watched.longestMs = Math.max(watched.longestMs, watched.silentMs);
    watched.silentMs = 0;
    watched.told = "nothing";
  }

  forget(peer: MemberId): void {
    this.#peers.delete(peer);
  }

  /** Whether it was heard within the last `withinMs`. */
  isPresent(peer: MemberId, withinMs: number): boolean {
    const watched = this.#peers.get(peer);
    return watched !== undefined && watched.silentMs <= withinMs;
  }

  /** Another `lookMs` are over. Each silence is reported when it begins to be suspect, and again later. */
  look(lookMs: number): Silence[] {
    const silences: Silence[] = [];
    for (const [peer, watched] of this.#peers) {
      watched.silentMs += lookMs;
      watched.longestMs *= 0.5 ** (lookMs / HALF_LIFE_MS);
      const { silentMs, longestMs, told } = watched;
      const minMs = Math.max(SUSPECT_MS, SUSPECT_LOOKS * lookMs);
      const suspectMs = Math.min(MAX_SUSPECT_MS, Math.max(minMs, TOLERANCE * longestMs));
      if (told === "nothing" && silentMs >= suspectMs) watched.told = "suspected";
      else if (told === "suspected" && silentMs >= suspectMs + AGAIN_MS) watched.told = "again";
      if (watched.told !== told) silences.push({ peer, again: watched.told === "again" });
    }
    return silences;
  }
}
