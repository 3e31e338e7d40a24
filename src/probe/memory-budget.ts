/**
 * How many bytes a tab may use for weights, cache and scratch. Pure.
 *
 * No browser exposes the memory of a GPU, and requesting too much loses the device, or on phones the
 * tab. Therefore the estimate is low, and a GPU must accept it (accepted-memory.ts):
 *
 *   base      navigator.deviceMemory (Chromium; GiB, rounded, capped by the
 *             browser), or a guess: 4 GiB, 2 GiB on a phone
 *   share     half of it; a quarter on a phone, where the page competes with all
 *             else, and for a software adapter, whose memory is the tab's own
 *   at most   four of the adapter's largest buffers, two of a software adapter's
 *             (SwiftShader's whole heap is two of them): a driver that refuses
 *             larger ones has little memory behind it
 *   at least  256 MiB: what every WebGPU implementation takes for one buffer
 */
export type MemoryFacts = {
  /** `navigator.deviceMemory` in GiB; null where the browser does not expose it. */
  readonly deviceMemoryGib: number | null;
  readonly maxBufferBytes: number;
  readonly software: boolean;
  readonly mobile: boolean;
};

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const GUESS_GIB = 4;
const GUESS_MOBILE_GIB = 2;
const MAX_BUFFERS = 4;
const MAX_BUFFERS_SOFTWARE = 2;
export const MIN_BUDGET_BYTES = 256 * MIB;

export function memoryBudgetBytes(facts: MemoryFacts): number {
  const guess = facts.mobile ? GUESS_MOBILE_GIB : GUESS_GIB;
  const base = (facts.deviceMemoryGib ?? guess) * GIB;
  const share = facts.mobile || facts.software ? 0.25 : 0.5;
  const buffers = facts.software ? MAX_BUFFERS_SOFTWARE : MAX_BUFFERS;
  const maxBytes = buffers * facts.maxBufferBytes;
  return Math.floor(Math.max(MIN_BUDGET_BYTES, Math.min(base * share, maxBytes)));
}
