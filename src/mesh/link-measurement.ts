/**
 * Round trip and bandwidth of a link, by pings on the channel that frames use,
 * with the payload that a lap carries. Knows neither channels nor clocks: a ping
 * is a function that says how long it took.
 */

/** Sends `payloadBytes` and resolves with the milliseconds until the pong; `echo` sends them back. */
export type Ping = (payloadBytes: number, echo: boolean) => Promise<number>;

export type LinkQuality = { readonly roundTripMs: number; readonly bytesPerMs: number };

/** The first pings wake radios and congestion windows; they are not counted. */
const WARM_UP_PINGS = 2;
/** A median of nine shrugs off four outliers and takes 0.2 s on a 20 ms link. */
const ROUND_TRIPS = 9;
/** Large against any hidden row, so that time on the wire outweighs the round trip. */
const BANDWIDTH_BYTES = 256 * 1024;
const BANDWIDTH_RUNS = 3;

/** Under this the clock's grain is all that is left of a difference of two times. */
const SHORTEST_TRANSFER_MS = 0.05;
/** Of a full ping: on a busy machine two pings differ by so much with the same payload. */
const NOISE_SHARE = 0.1;

export async function measureLink(ping: Ping, payloadBytes: number): Promise<LinkQuality> {
  for (let run = 0; run < WARM_UP_PINGS; run += 1) await ping(payloadBytes, true);
  const roundTripMs = await medianOf(ROUND_TRIPS, () => ping(payloadBytes, true));
  const transferMs = await transferTime(ping);
  return { roundTripMs, bytesPerMs: BANDWIDTH_BYTES / transferMs };
}

/**
 * Whatever else a machine does makes a ping longer and none shorter: the least counts. Empty and
 * full pings take turns, so that both meet a busy moment; what empty ones still waited longer
 * must not make the link endlessly fast.
 */
async function transferTime(ping: Ping): Promise<number> {
  let emptyMs = Infinity;
  let fullMs = Infinity;
  for (let run = 0; run < BANDWIDTH_RUNS; run += 1) {
    emptyMs = Math.min(emptyMs, await ping(0, false));
    fullMs = Math.min(fullMs, await ping(BANDWIDTH_BYTES, false));
  }
  return Math.max(fullMs - emptyMs, fullMs * NOISE_SHARE, SHORTEST_TRANSFER_MS);
}

async function medianOf(runs: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let run = 0; run < runs; run += 1) values.push(await measure());
  return median(values);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) throw new RangeError("the median of no values");
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
