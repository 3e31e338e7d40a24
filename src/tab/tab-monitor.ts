/** This tab's device state: from the GPU worker, and from the browser. */
import {
  type DeviceState,
  type Measurements,
  type ModelSummary,
  type StageSample,
  predictStepMs,
} from "../shared/index.ts";
import { DeviceMonitor, openSources, type SourceScope, type Sources } from "../telemetry/index.ts";
import { StepCalibration } from "./step-calibration.ts";

/** How often the browser reports compute pressure. */
const PRESSURE_INTERVAL_MS = 1000;

/** The layers that this tab holds. */
export type HeldShard = {
  readonly model: ModelSummary;
  readonly first: number;
  readonly end: number;
};

export class TabMonitor {
  readonly #sources: Sources;
  readonly #monitor: DeviceMonitor;
  readonly #calibration = new StepCalibration();
  #measurements: Measurements | null;
  #shard: HeldShard | null = null;

  static async open(
    measurements: Measurements | null,
    sample: () => Promise<StageSample>,
    scope: SourceScope = globalThis as unknown as SourceScope,
  ): Promise<TabMonitor> {
    const sources = await openSources(scope, PRESSURE_INTERVAL_MS);
    return new TabMonitor(measurements, sample, sources);
  }

  private constructor(
    measurements: Measurements | null,
    sample: () => Promise<StageSample>,
    sources: Sources,
  ) {
    this.#sources = sources;
    this.#measurements = measurements;
    this.#monitor = new DeviceMonitor({
      sampleWork: async () => {
        const work = await sample();
        const probeMs = this.#probeMs();
        if (work.stepMs !== null && probeMs !== null) this.#calibration.take(work.stepMs, probeMs);
        return work;
      },
      readSources: () => sources.read(),
      memoryBudgetBytes: () => this.#measurements?.memoryBudgetBytes ?? 0,
      predictedStepMs: () => {
        const probeMs = this.#probeMs();
        return probeMs === null ? null : this.#calibration.expectedMs(probeMs);
      },
      now: () => Date.now(),
    });
  }

  collect(): Promise<DeviceState> {
    return this.#monitor.collect();
  }

  /** The tab holds another shard, or none. */
  holds(shard: HeldShard | null): void {
    this.#shard = shard;
  }

  /** The device was measured again. */
  measured(measurements: Measurements): void {
    this.#measurements = measurements;
    this.#calibration.reset();
  }

  close(): void {
    this.#sources.close();
  }

  /** The probe's prediction of a step over the shard that the tab holds. */
  #probeMs(): number | null {
    if (this.#shard === null || this.#measurements === null) return null;
    return predictStepMs(this.#shard.model, this.#shard, this.#measurements);
  }
}
