/** This tab's device state: what the GPU worker says of itself, and the browser of the machine. */
import type { DeviceState, Member } from "../shared/member.ts";
import type { StageSample } from "../stage/types.ts";
import { DeviceMonitor } from "../telemetry/monitor.ts";
import { openSources, type SourceScope, type Sources } from "../telemetry/sources.ts";

/** How often the browser reports compute pressure. */
const PRESSURE_INTERVAL_MS = 1000;

export class TabMonitor {
  readonly #sources: Sources;
  readonly #monitor: DeviceMonitor;

  static async open(profile: Member, sample: () => Promise<StageSample>): Promise<TabMonitor> {
    const sources = await openSources(globalThis as unknown as SourceScope, PRESSURE_INTERVAL_MS);
    return new TabMonitor(profile, sample, sources);
  }

  private constructor(profile: Member, sample: () => Promise<StageSample>, sources: Sources) {
    this.#sources = sources;
    this.#monitor = new DeviceMonitor({
      sampleWork: sample,
      readSources: () => sources.read(),
      memoryBudgetBytes: () => profile.measurements?.memoryBudgetBytes ?? 0,
      predictedStepMs: () => null,
      now: () => Date.now(),
    });
  }

  collect(): Promise<DeviceState> {
    return this.#monitor.collect();
  }

  close(): void {
    this.#sources.close();
  }
}
