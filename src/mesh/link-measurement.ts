/**
 * Round-trip time and bandwidth of a link, measured by pings with the payload of a
 * lap. Knows neither channels nor clocks: a ping is a function that returns how
 * long it took.
 */
import { median } from "../shared/index.ts";

/** Sends `payloadBytes` and resolves with the milliseconds until the pong. With `echo`, the pong returns them. */
export type Ping = (payloadBytes: number, echo: boolean) => Promise<number>;

export type LinkQuality = { readonly roundTripMs: number; readonly bytesPerMs: number };

/** The first pings wake up radios and open congestion windows, and do not count. */
const WARM_UP_PINGS = 2;
/** A median of nine tolerates four outliers and takes 0.2 s on a 20 ms link. */
const ROUND_TRIPS = 9;
/** Much larger than a hidden row, so that the transfer takes longer than the round trip. */
const BANDWIDTH_BYTES = 256 * 1024;
const BANDWIDTH_RUNS = 3;

/** Below this, the difference of two times is the clock's resolution. */
const MIN_TRANSFER_MS = 0.05;
/** Part of a full ping: on a busy machine, two pings with the same payload differ this much. */
const NOISE_SHARE = 0.1;

export async function measureLink(ping: Ping, payloadBytes: number): Promise<LinkQuality> {
  for (let run = 0; run < WARM_UP_PINGS; run += 1) await ping(payloadBytes, true);
  const roundTripMs = await medianOf(ROUND_TRIPS, () => ping(payloadBytes, true));
  const transferMs = await transferTime(ping);
  return { roundTripMs, bytesPerMs: BANDWIDTH_BYTES / transferMs };
}

/**
 * Other work can only make a ping longer, so the minimum counts. Empty and full pings alternate, so
 * that both meet busy moments. If the empty ones still waited longer, `NOISE_SHARE` limits the
 * bandwidth.
 */
async function transferTime(ping: Ping): Promise<number> {
  let emptyMs = Infinity;
  let fullMs = Infinity;
  for (let run = 0; run < BANDWIDTH_RUNS; run += 1) {
    emptyMs = Math.min(emptyMs, await ping(0, false));
    fullMs = Math.min(fullMs, await ping(BANDWIDTH_BYTES, false));
  }
  return Math.max(fullMs - emptyMs, fullMs * NOISE_SHARE, MIN_TRANSFER_MS);
}

async function medianOf(runs: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let run = 0; run < runs; run += 1) values.push(await measure());
  return median(values);
}
