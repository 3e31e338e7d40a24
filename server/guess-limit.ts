/**
 * How many different codes an address may try. The members of a room look up and claim the
 * same code repeatedly, above all when their coordinator is gone; a guesser tries
 * another code each time.
 */
import type { Rate } from "./limits.ts";
import { RateLimit } from "./rate-limit.ts";

const MAX_ADDRESSES = 10_000;

export class GuessLimit {
  readonly #rate: RateLimit;
  readonly #burst: number;
  /** Of each address, the codes that it tried last, at most `burst`. */
  readonly #tried = new Map<string, Set<string>>();

  constructor(rate: Rate, nowMs?: () => number) {
    this.#rate = new RateLimit(rate, nowMs);
    this.#burst = rate.burst;
  }

  /** 0 if `address` may try `code`, and counts it as tried; otherwise the milliseconds until it may. */
  take(address: string, code: string): number {
    const waitMs = this.waitMs(address, code);
    if (waitMs === 0) this.charge(address, code);
    return waitMs;
  }

  /**
   * The same without counting it, for codes that count only if they are wrong. Ask before
   * looking at the code: an answer that differs only for the right one would give it away.
   * `null` is a secret, which counts each time.
   */
  waitMs(address: string, code: string | null): number {
    return this.#hasTried(address, code) ? 0 : this.#rate.waitMs(address);
  }

  charge(address: string, code: string | null): void {
    if (this.#hasTried(address, code)) return;
    this.#rate.spend(address);
    if (code === null) return;
    const tried = this.#tried.get(address) ?? new Set();
    tried.add(code);
    if (tried.size > this.#burst) removeFirst(tried);
    this.#tried.set(address, tried);
    if (this.#tried.size > MAX_ADDRESSES) removeFirst(this.#tried);
  }

  #hasTried(address: string, code: string | null): boolean {
    return code !== null && this.#tried.get(address)?.has(code) === true;
  }
}

function removeFirst<Key>(of: { keys(): Iterator<Key>; delete(key: Key): boolean }): void {
  const first = of.keys().next();
  if (first.done !== true) of.delete(first.value);
}
