import { describe, expect, test } from "vitest";
import {
  openSources,
  type PressureObserverClass,
  type SourceScope,
} from "../../src/telemetry/sources.ts";

const bare = (): SourceScope => ({ navigator: {}, document: { visibilityState: "hidden" } });

type Callback = ConstructorParameters<PressureObserverClass>[0];

/** The browser's class, which Node does not have. */
function observerClass(refuse: boolean) {
  const made: { callback: Callback; interval: number; open: boolean }[] = [];
  class Observer {
    readonly #record: (typeof made)[number];
    constructor(callback: Callback) {
      this.#record = { callback, interval: 0, open: true };
      made.push(this.#record);
    }
    observe(_source: "cpu", { sampleInterval }: { sampleInterval: number }) {
      this.#record.interval = sampleInterval;
      return refuse ? Promise.reject(new DOMException("no", "NotAllowedError")) : Promise.resolve();
    }
    disconnect() {
      this.#record.open = false;
    }
  }
  return { Observer, made };
}

describe("openSources", () => {
  test("a browser without sources has visibility only", async () => {
    const sources = await openSources(bare(), 2000);
    expect(sources.read()).toEqual({
      pressure: null,
      batteryLevel: null,
      batteryCharging: null,
      visible: false,
    });
  });

  test("reads the current pressure and battery, and stops watching", async () => {
    const { Observer, made } = observerClass(false);
    const battery = { level: 0.8, charging: true };
    const scope: SourceScope = {
      ...bare(),
      PressureObserver: Observer,
      navigator: { getBattery: () => Promise.resolve(battery) },
    };
    const sources = await openSources(scope, 1500);
    expect(made[0]?.interval).toBe(1500);
    made[0]?.callback([{ state: "nominal" }, { state: "serious" }]);
    battery.level = 0.7;
    expect(sources.read()).toMatchObject({
      pressure: "serious",
      batteryLevel: 0.7,
      batteryCharging: true,
    });
    sources.close();
    expect(made[0]?.open).toBe(false);
  });

  test("a source that refuses counts as absent", async () => {
    const scope: SourceScope = {
      ...bare(),
      PressureObserver: observerClass(true).Observer,
      navigator: { getBattery: () => Promise.reject(new DOMException("no", "NotAllowedError")) },
    };
    expect((await openSources(scope, 2000)).read()).toMatchObject({
      pressure: null,
      batteryLevel: null,
    });
  });
});
