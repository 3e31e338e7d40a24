/**
 * What the browser tells of the machine besides our own measurements: compute
 * pressure, battery and whether the tab is in front. Each source is watched where
 * it exists; which ones do is part of the answer, so that the page can say so.
 * A browser tells no temperature.
 */
import type { DeviceState } from "../shared/index.ts";

export type SourceName = "pressure" | "battery" | "visibility";

export type SourceReadings = Pick<
  DeviceState,
  "pressure" | "batteryLevel" | "batteryCharging" | "visible"
>;

export type Sources = {
  readonly available: ReadonlySet<SourceName>;
  read(): SourceReadings;
  /** Stops watching. */
  close(): void;
};

type Pressure = NonNullable<DeviceState["pressure"]>;

/** Chromium, https://www.w3.org/TR/compute-pressure/; not in TypeScript's library. */
export type PressureObserverClass = new (
  callback: (records: readonly { readonly state: Pressure }[]) => void,
) => {
  observe(source: "cpu", options: { sampleInterval: number }): Promise<void>;
  disconnect(): void;
};

/** Chromium, https://www.w3.org/TR/battery-status/. */
type Battery = { readonly level: number; readonly charging: boolean };

/** What is used of a window; a test hands in its own. */
export type SourceScope = {
  readonly PressureObserver?: PressureObserverClass;
  readonly navigator: { getBattery?(): Promise<Battery> };
  readonly document: { readonly visibilityState: string };
};

/** Starts watching what there is. A source that refuses (a policy, a private window) counts as absent. */
export async function openSources(scope: SourceScope, intervalMs: number): Promise<Sources> {
  const available = new Set<SourceName>(["visibility"]);
  const pressure = await watchPressure(scope.PressureObserver, intervalMs);
  if (pressure !== null) available.add("pressure");
  const battery = (await scope.navigator.getBattery?.().catch(() => null)) ?? null;
  if (battery !== null) available.add("battery");
  return {
    available,
    read: () => ({
      pressure: pressure?.state() ?? null,
      batteryLevel: battery?.level ?? null,
      batteryCharging: battery?.charging ?? null,
      visible: scope.document.visibilityState === "visible",
    }),
    close: () => pressure?.close(),
  };
}

async function watchPressure(Observer: PressureObserverClass | undefined, intervalMs: number) {
  if (Observer === undefined) return null;
  let state: Pressure | null = null;
  const observer = new Observer((records) => (state = records.at(-1)?.state ?? state));
  try {
    await observer.observe("cpu", { sampleInterval: intervalMs });
  } catch (error) {
    if (error instanceof Error) return null; // DOMException: not supported here, or not allowed
    throw error;
  }
  return { state: () => state, close: () => observer.disconnect() };
}

/** Which signs stand in for a temperature, in words for people. */
export function describeSources(available: ReadonlySet<SourceName>): string {
  const signs = ["step times"];
  if (available.has("pressure")) signs.push("compute pressure");
  if (available.has("battery")) signs.push("battery");
  const list = signs.join(", ");
  return `Browsers show no temperature; ${list} stand in for it.`;
}
