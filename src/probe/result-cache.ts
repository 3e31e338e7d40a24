/**
 * Stores the measurements of an adapter, so that a tab joins immediately the next time. A result is
 * valid for one adapter in one browser version, as measured by one version of this probe, for some
 * days.
 */
import { z } from "zod";
import { isFresh, Measurements, parseJson, type Adapter } from "../shared/index.ts";

/** Raise it when a benchmark changes: older results then do not compare. */
export const PROBE_VERSION = 4;

/** The part of `localStorage` that is used. */
export type ProbeStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEY = "tabmesh.probe";
const Entry = z.strictObject({ fingerprint: z.string(), measurements: Measurements });

/** The stored measurements of `adapter`; null if there are none, or if they are another's or too old. */
export function readMeasurements(
  storage: ProbeStorage,
  adapter: Adapter,
  nowMs: number,
): Measurements | null {
  const text = storage.getItem(KEY);
  if (text === null) return null;
  const entry = Entry.safeParse(parseJson(text)).data;
  if (entry?.fingerprint !== fingerprint(adapter)) return null;
  return isFresh(entry.measurements.measuredAtMs, nowMs) ? entry.measurements : null;
}

/** A browser that cannot store them (private window, full disk) measures again next time. */
export function storeMeasurements(
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

/** So that the next probe measures. */
export function deleteMeasurements(storage: ProbeStorage): void {
  storage.removeItem(KEY);
}

/** The whole adapter: a driver update may change only a limit. */
function fingerprint(adapter: Adapter): string {
  return JSON.stringify([PROBE_VERSION, { ...adapter, features: [...adapter.features].sort() }]);
}
