/** This tab's device state: from the GPU worker, and from the browser. */
import {
  type DeviceState,
  type Measurements,
  type ModelSummary,
  type StageSample,
  predictStepMs,
} from "../shared/index.ts";
import { DeviceMonitor, openSources, type SourceScope } from "../telemetry/index.ts";
import { StepCalibration } from "./step-calibration.ts";

/** How often the browser reports compute pressure. */
const PRESSURE_INTERVAL_MS = 1000;

/** The layers that this tab holds. */
export type HeldShard = {
  readonly model: ModelSummary;
  readonly first: number;
  readonly end: number;
};

/** `measured` is null without an adapter. */
export async function openTabMonitor(
  measured: Measurements | null,
  sample: () => Promise<StageSample>,
  scope: SourceScope = globalThis as unknown as SourceScope,
) {
  const sources = await openSources(scope, PRESSURE_INTERVAL_MS);
  const calibration = new StepCalibration();
  let measurements = measured;
  let held: HeldShard | null = null;
  /** The probe's prediction of a step over the shard that the tab holds. */
  const probeMs = () =>
    held && measurements ? predictStepMs(held.model, held, measurements) : null;
  const monitor = new DeviceMonitor({
    sampleWork: async () => {
      const work = await sample();
      const predictedMs = probeMs();
      if (work.stepMs !== null && predictedMs !== null) calibration.take(work.stepMs, predictedMs);
      return work;
    },
    readSources: () => sources.read(),
    memoryBudgetBytes: () => measurements?.memoryBudgetBytes ?? 0,
    predictedStepMs: () => {
      const predictedMs = probeMs();
      return predictedMs === null ? null : calibration.expectedMs(predictedMs);
    },
    now: () => Date.now(),
  });
  return {
    collect: (): Promise<DeviceState> => monitor.collect(),
    /** The tab holds another shard, or none. */
    holds(shard: HeldShard | null): void {
      held = shard;
    },
    /** The device was measured again. */
    measured(news: Measurements): void {
      measurements = news;
      calibration.reset();
    },
    close: () => sources.close(),
  };
}
