/**
 * The browser's readings of the machine: compute pressure, battery, and whether the
 * tab is visible. A reading is null if the browser has no such source. Browsers do
 * not report a temperature.
 */
import type { DeviceState } from "../shared/index.ts";

export type SourceReadings = Pick<
  DeviceState,
  "pressure" | "batteryLevel" | "batteryCharging" | "visible"
>;

export type Sources = {
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

/** The part of a window that is used; tests provide their own. */
export type SourceScope = {
  readonly PressureObserver?: PressureObserverClass;
  readonly navigator: { getBattery?(): Promise<Battery> };
  readonly document: { readonly visibilityState: string };
};

/** Starts watching. A source that refuses (a policy, a private window) counts as absent. */
export async function openSources(scope: SourceScope, intervalMs: number): Promise<Sources> {
  const pressure = await watchPressure(scope.PressureObserver, intervalMs);
  const battery = (await scope.navigator.getBattery?.().catch(() => null)) ?? null;
  return {
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
