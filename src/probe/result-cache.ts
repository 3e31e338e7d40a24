/**
 * The probe as the page uses it. The measurements of an adapter are stored, so that a tab joins
 * immediately the next time. They are valid for one adapter in one browser version, as measured by one
 * version of this probe, for some days.
 */
import { z } from "zod";
import { isFresh, Measurements, parseJson, type Adapter } from "../shared/index.ts";
import type { ProbeProgress, ProbeResult, ProbeWorker } from "./types.ts";

/** Raise it when a benchmark changes: older results then do not compare. */
export const PROBE_VERSION = 4;

/** The part of `localStorage` that is used. */
export type ProbeStorage = Pick<Storage, "getItem" | "setItem">;

const KEY = "tabmesh.probe";
const Entry = z.strictObject({ fingerprint: z.string(), measurements: Measurements });

export type CachedProbeOptions = {
  readonly storage: ProbeStorage;
  readonly nowMs: number;
  /** Measure although there is a valid result. */
  readonly again?: boolean;
  /** A Comlink proxy when `worker` is a real worker. */
  readonly onProgress: (progress: ProbeProgress) => void;
};

/** Stored measurements while they are valid, new ones otherwise. */
export async function cachedProbe(
  worker: ProbeWorker,
  { storage, nowMs, again = false, onProgress }: CachedProbeOptions,
): Promise<ProbeResult> {
  const identity = await worker.identify();
  if (identity.adapter === null) return { ...identity, measurements: null };
  const stored = again ? null : readMeasurements(storage, identity.adapter, nowMs);
  if (stored !== null) return { ...identity, measurements: stored };
  const result = await worker.probe(onProgress);
  if (result.adapter !== null) storeMeasurements(storage, result.adapter, result.measurements);
  return result;
}

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

/** The whole adapter: a driver update may change only a limit. */
function fingerprint(adapter: Adapter): string {
  return JSON.stringify([PROBE_VERSION, { ...adapter, features: [...adapter.features].sort() }]);
}
