/** The probe as the page uses it: stored measurements while they are valid, new ones otherwise. */
import {
  deleteMeasurements,
  storeMeasurements,
  readMeasurements,
  type ProbeStorage,
} from "./result-cache.ts";
import type { ProbeProgress, ProbeResult, ProbeWorker } from "./types.ts";

export type CachedProbeOptions = {
  readonly storage: ProbeStorage;
  readonly nowMs: number;
  /** Measure although there is a valid result. */
  readonly again?: boolean;
  /** A Comlink proxy when `worker` is a real worker. */
  readonly onProgress: (progress: ProbeProgress) => void;
};

export async function cachedProbe(
  worker: ProbeWorker,
  { storage, nowMs, again = false, onProgress }: CachedProbeOptions,
): Promise<ProbeResult> {
  if (again) deleteMeasurements(storage);
  const identity = await worker.identify();
  if (identity.adapter === null) return { ...identity, measurements: null };
  const stored = readMeasurements(storage, identity.adapter, nowMs);
  if (stored !== null) return { ...identity, measurements: stored };
  const result = await worker.probe(onProgress);
  if (result.adapter !== null) storeMeasurements(storage, result.adapter, result.measurements);
  return result;
}
