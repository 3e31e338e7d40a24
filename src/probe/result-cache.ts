/**
 * Keeps the measurements of an adapter, so that a tab joins at once the next
 * time. A result is good for one adapter in one browser version, as measured by
 * one version of this probe, for some days. Does not know where it is stored.
 */
import { z } from "zod";
import { isFresh, Measurements, type Adapter } from "../shared/index.ts";

/** Raise it when a benchmark changes: older results then do not compare. */
export const PROBE_VERSION = 4;

/** What `localStorage` is, as far as it is needed. */
export type ProbeStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEY = "tabmesh.probe";
const Entry = z.strictObject({ fingerprint: z.string(), measurements: Measurements });

/** The kept measurements of `adapter`; null when there are none, or they are another's or stale. */
export function readMeasurements(
  storage: ProbeStorage,
  adapter: Adapter,
  nowMs: number,
): Measurements | null {
  const text = storage.getItem(KEY);
  if (text === null) return null;
  const entry = parseEntry(text);
  if (entry?.fingerprint !== fingerprint(adapter)) return null;
  return isFresh(entry.measurements.measuredAtMs, nowMs) ? entry.measurements : null;
}

/** A browser that stores nothing (private window, full) measures again next time. */
export function keepMeasurements(
  storage: ProbeStorage,
  adapter: Adapter,
  measurements: Measurements,
): void {
  try {
    storage.setItem(KEY, JSON.stringify({ fingerprint: fingerprint(adapter), measurements }));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Measure again, whatever is kept. */
export function forgetMeasurements(storage: ProbeStorage): void {
  storage.removeItem(KEY);
}

function parseEntry(text: string): z.infer<typeof Entry> | null {
  try {
    return Entry.safeParse(JSON.parse(text)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** All of the adapter: a driver update may show in no more than a limit. */
function fingerprint(adapter: Adapter): string {
  return JSON.stringify([PROBE_VERSION, { ...adapter, features: [...adapter.features].sort() }]);
}
