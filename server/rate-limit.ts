/** How often an address may do something: a token bucket for each. Reads no clock of its own. */
import { isIPv6 } from "node:net";
import type { Rate } from "./limits.ts";

/** Above this, the address that was silent the longest is forgotten. */
const MAX_ADDRESSES = 10_000;

type Bucket = { tokens: number; atMs: number };

export class RateLimit {
  readonly #rate: Rate;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, nowMs: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#nowMs = nowMs;
  }

  /** The number of addresses that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** 0 if `address` may proceed, and counts it; otherwise the milliseconds until it may. */
  take(address: string): number {
    const waitMs = this.waitMs(address);
    if (waitMs === 0) this.spend(address);
    return waitMs;
  }

  /** The same without counting it. */
  waitMs(address: string): number {
    const { tokens } = this.#bucketOf(address);
    return tokens >= 1 ? 0 : ((1 - tokens) / this.#rate.perSecond) * 1000;
  }

  /** Counts what has happened already; the milliseconds until `address` may do more. */
  spend(address: string): number {
    const bucket = this.#bucketOf(address);
    bucket.tokens = Math.max(bucket.tokens - 1, -this.#rate.burst);
    return bucket.tokens >= 0 ? 0 : (-bucket.tokens / this.#rate.perSecond) * 1000;
  }

  #bucketOf(address: string): Bucket {
    const { perSecond, burst } = this.#rate;
    const nowMs = this.#nowMs();
    const known = this.#buckets.get(address);
    const elapsedMs = known === undefined ? Infinity : nowMs - known.atMs;
    const tokens = Math.min(burst, (known?.tokens ?? 0) + (elapsedMs / 1000) * perSecond);
    const bucket = { tokens, atMs: nowMs };
    // A map iterates in the order of insertion, so the first is the one that was silent the longest.
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_ADDRESSES) this.#buckets.delete(oldest!);
    return bucket;
  }
}

/** The refusal of an HTTP request and of a claim alike. */
export function rateLimited(waitMs: number) {
  return { reason: "rate_limited", retryAfterS: Math.ceil(waitMs / 1000) } as const;
}

/** What limits count by: a client that has one IPv6 address has 2^64 of them. */
export function addressKey(remoteAddress: string | undefined): string {
  const address = (remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (!isIPv6(address)) return address;
  const [head = "", tail = ""] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const zeros = address.includes("::") ? 8 - groups.length - after.length : 0;
  return [...groups, ...Array<string>(zeros).fill("0"), ...after].slice(0, 4).join(":");
}
