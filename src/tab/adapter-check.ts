/**
 * Identifies and measures this tab's adapter once, when the page opens. The probe runs in
 * its own worker, which ends with it and frees the device.
 */
import * as Comlink from "comlink";
import { forgetTuning } from "../tuner/index.ts";
import {
  cachedProbe,
  type ProbeProgress,
  type ProbeResult,
  type ProbeWorker,
} from "../probe/index.ts";
import { workerClient } from "./worker-client.ts";

/** With `again`, earlier measurements are discarded, those of kernel variants included. */
export async function checkAdapter(
  again: boolean,
  onProgress: (progress: ProbeProgress) => void,
): Promise<ProbeResult> {
  if (again) await forgetTuning();
  const client = workerClient<ProbeWorker>(
    () => new Worker(new URL("../../workers/probe.worker.ts", import.meta.url), { type: "module" }),
    "probe",
  );
  try {
    return await cachedProbe(
      {
        identify: () => client.remote.identify(),
        probe: (report) => client.remote.probe(Comlink.proxy(report)),
      },
      { storage: localStorage, nowMs: Date.now(), again, onProgress },
    );
  } finally {
    client.end();
  }
}
