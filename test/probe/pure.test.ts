/** The parts of the probe that do not need a GPU. */
import { describe, expect, test } from "vitest";
import { browserName, isMobile } from "../../src/probe/browser-name.ts";
import { memoryBudgetBytes } from "../../src/probe/memory-budget.ts";
import { submittingHelps } from "../../src/probe/overheads.ts";
import {
  cachedProbe,
  storeMeasurements,
  readMeasurements,
  type ProbeStorage,
} from "../../src/probe/result-cache.ts";
import type { ProbeWorker } from "../../src/probe/types.ts";
import { MAX_AGE_MS } from "../../src/shared/measurement-age.ts";
import type { Adapter, Measurements } from "../../src/shared/member.ts";

const GIB = 2 ** 30;

const adapter: Adapter = {
  vendor: "google",
  architecture: "swiftshader",
  device: "",
  description: "",
  browser: "Chromium 156",
  software: true,
  features: ["subgroups", "timestamp-query"],
  maxBufferBytes: GIB,
  maxStorageBindingBytes: GIB,
  maxWorkgroupStorageBytes: 32768,
  maxWorkgroupInvocations: 256,
  maxStorageBuffersPerStage: 10,
};

const measurements: Measurements = {
  copyBytesPerMs: 1e6,
  f32FlopsPerMs: 4e6,
  f16FlopsPerMs: null,
  matVecMacsPerMs: 1e6,
  matMulMacsPerMs: 1e6,
  dispatchMs: 0.01,
  readbackMs: 0.2,
  submitWhileWaitingHelps: false,
  memoryBudgetBytes: GIB,
  measuredAtMs: 1_000_000,
};

function memoryStorage(): ProbeStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}

describe("submitting while waiting for a readback", () => {
  test.each([
    ["Firefox, which looks every 100 ms", 100, 1.5, false, true],
    ["Firefox on a software adapter", 100, 40, true, true],
    ["Chromium on an NVIDIA card behind 30 dispatches", 2.71, 0.39, false, true],
    ["Chromium on an NVIDIA card behind 150 dispatches", 2.84, 1.05, false, true],
    ["Chromium on a card that another tab loads too", 7.4, 9.6, false, true],
    ["a GPU on which submitting doubles the wait", 3, 6, false, false],
    ["noise on a software adapter", 1.9, 1.7, true, false],
  ])(
    "%s: plain %f ms, submitting %f ms, software %s",
    (_name, plainMs, submittingMs, software, helps) => {
      expect(submittingHelps(plainMs, submittingMs, software)).toBe(helps);
    },
  );
});

describe("stored measurements", () => {
  test("are found again for the same adapter and browser", () => {
    const storage = memoryStorage();
    storeMeasurements(storage, adapter, measurements);
    const again = { ...adapter, features: [...adapter.features].reverse() };
    expect(readMeasurements(storage, again, 1_000_001)).toEqual(measurements);
  });

  test.each([
    ["another browser version", { browser: "Chromium 157" }],
    ["another adapter", { architecture: "ampere" }],
    ["another limit (a new driver)", { maxBufferBytes: 2 * GIB }],
  ])("are not those of %s", (_name, change) => {
    const storage = memoryStorage();
    storeMeasurements(storage, adapter, measurements);
    expect(readMeasurements(storage, { ...adapter, ...change }, 1_000_001)).toBeNull();
  });

  test("expire, and are not used from the future", () => {
    const storage = memoryStorage();
    storeMeasurements(storage, adapter, measurements);
    const end = measurements.measuredAtMs + MAX_AGE_MS;
    expect(readMeasurements(storage, adapter, end - 1)).toEqual(measurements);
    expect(readMeasurements(storage, adapter, end)).toBeNull();
    expect(readMeasurements(storage, adapter, measurements.measuredAtMs - 1)).toBeNull();
  });

  test.each(["not json", "{}", '{"fingerprint":"x","measurements":{"copyBytesPerMs":-1}}'])(
    "that are damaged (%s) are measured again",
    (text) => {
      const storage = memoryStorage();
      storage.setItem("tabmesh.probe", text);
      expect(readMeasurements(storage, adapter, 1_000_001)).toBeNull();
    },
  );

  test("a browser that stores nothing causes no error", () => {
    const full: ProbeStorage = {
      ...memoryStorage(),
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    expect(() => storeMeasurements(full, adapter, measurements)).not.toThrow();
  });

  test("avoid a second run of the worker, unless it is requested", async () => {
    let runs = 0;
    const worker: ProbeWorker = {
      identify: () => Promise.resolve({ adapter, noAdapter: null }),
      probe: () => {
        runs += 1;
        return Promise.resolve({ adapter, noAdapter: null, measurements });
      },
    };
    const options = { storage: memoryStorage(), nowMs: 1_000_001, onProgress: () => undefined };
    await cachedProbe(worker, options);
    expect((await cachedProbe(worker, options)).measurements).toEqual(measurements);
    expect(runs).toBe(1);
    await cachedProbe(worker, { ...options, again: true });
    expect(runs).toBe(2);
  });
});

describe("browserName", () => {
  const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
  test.each([
    [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/156.0.0.0 Safari/537.36`, "Chromium 156"],
    [`Mozilla/5.0 (X11) ${webkit} HeadlessChrome/156.0.0.0 Safari/537.36`, "Chromium 156"],
    [`Mozilla/5.0 (Windows NT 10.0) ${webkit} Chrome/156.0 Safari/537.36 Edg/156.0`, "Edge 156"],
    ["Mozilla/5.0 (X11; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox 153"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
      "Safari 26",
    ],
    [
      "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
      "Safari 18",
    ],
    ["curl/8", "unknown browser"],
  ])("%s", (userAgent, name) => {
    expect(browserName(userAgent)).toBe(name);
  });

  test("phones and desktops are distinguished", () => {
    expect(isMobile("Mozilla/5.0 (Linux; Android 16) Chrome/156.0 Mobile")).toBe(true);
    expect(isMobile("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0")).toBe(false);
  });
});

describe("memoryBudgetBytes", () => {
  const facts = {
    deviceMemoryGib: 8,
    maxBufferBytes: 4 * GIB,
    software: false,
    mobile: false,
  };
  test.each([
    ["a desktop's half", {}, 4],
    ["a phone's quarter", { mobile: true }, 2],
    ["a software adapter's quarter", { software: true }, 2],
    ["a guess where the browser is silent", { deviceMemoryGib: null }, 2],
    ["a phone's guess", { deviceMemoryGib: null, mobile: true }, 0.5],
    ["four of the largest buffers", { maxBufferBytes: GIB / 4 }, 1],
    [
      "two of a software adapter's",
      { deviceMemoryGib: 32, software: true, maxBufferBytes: GIB },
      2,
    ],
    ["no less than 256 MiB", { deviceMemoryGib: 0.25, mobile: true }, 0.25],
  ])("%s", (_name, change, gib) => {
    expect(memoryBudgetBytes({ ...facts, ...change })).toBe(gib * GIB);
  });
});
