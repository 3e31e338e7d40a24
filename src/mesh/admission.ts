/**
 * What this tab can prove to a peer, and what it accepts as a proof. One object per tab, shared by
 * the connections, which prove, and the cluster, which decides who may join.
 */
import type {
  AdmissionFailure,
  Clock,
  KeySuccession,
  RoomCode,
  RoomKey,
  RoomSecret,
} from "../shared/index.ts";

/** How a peer proved that it belongs to the room, or may ask to be admitted. */
export type ProvenBy = "secret" | "code";

export type Admission = {
  readonly code: RoomCode;
  /** null in a tab that was not admitted yet and has no link. Changes when a member is removed. */
  key: RoomKey | null;
  /** Why no newcomer can prove itself by the code here and now, or null. The cluster sets it. */
  refuseCodes: (() => AdmissionFailure | null) | null;
  readonly guesses: GuessLimit;
};

export function createAdmission(
  code: RoomCode,
  secret: RoomSecret | null,
  clock: Pick<Clock, "nowMs">,
  succession: KeySuccession = [],
): Admission {
  const key = secret && { secret, succession };
  return { code, key, refuseCodes: null, guesses: new GuessLimit(clock) };
}

/** Wrong codes in a row. */
export const GUESS_BURST = 5;
/** With 31^6 codes and 8,645 guesses in the first day, a stranger's chance is 1 in 100,000. */
export const GUESS_INTERVAL_MS = 10_000;

/** How often a wrong code may be tried: a token bucket for all peers together. Right codes are free. */
export class GuessLimit {
  readonly #clock: Pick<Clock, "nowMs">;
  #tokens = GUESS_BURST;
  #atMs: number;

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
    this.#atMs = clock.nowMs();
  }

  /** Milliseconds until a guess may be checked; 0 if one may now. */
  waitMs(): number {
    this.#refill();
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * GUESS_INTERVAL_MS);
  }

  wrong(): void {
    this.#refill();
    this.#tokens -= 1;
  }

  #refill(): void {
    const nowMs = this.#clock.nowMs();
    this.#tokens = Math.min(GUESS_BURST, this.#tokens + (nowMs - this.#atMs) / GUESS_INTERVAL_MS);
    this.#atMs = nowMs;
  }
}
