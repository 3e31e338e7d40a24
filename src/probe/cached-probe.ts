/** The probe as the page uses it: kept measurements when they are good, new ones otherwise. */
import {
  forgetMeasurements,
  keepMeasurements,
  readMeasurements,
  type ProbeStorage,
} from "./result-cache.ts";
import type { ProbeProgress, ProbeResult, ProbeWorker } from "./types.ts";

export type CachedProbeOptions = {
  readonly storage: ProbeStorage;
  readonly nowMs: number;
  /** Measure although there is a good result. */
  readonly again?: boolean;
  /** A Comlink proxy when `worker` is a real worker. */
  readonly onProgress: (progress: ProbeProgress) => void;
};

export async function cachedProbe(
  worker: ProbeWorker,
  { storage, nowMs, again = false, onProgress }: CachedProbeOptions,
): Promise<ProbeResult> {
  if (again) forgetMeasurements(storage);
  const identity = await worker.identify();
  if (identity.adapter === null) return { ...identity, measurements: null };
  const kept = readMeasurements(storage, identity.adapter, nowMs);
  if (kept !== null) return { ...identity, measurements: kept };
  const result = await worker.probe(onProgress);
  if (result.adapter !== null) keepMeasurements(storage, result.adapter, result.measurements);
  return result;
}
