import { expect, test } from "vitest";
import { openSources, type SourceScope } from "../../src/telemetry/sources.ts";

test("a real browser's sources open, and each reading is one that a device state takes", async () => {
  const sources = await openSources(window as unknown as SourceScope, 1000);
  const readings = sources.read();
  expect(sources.available.has("visibility")).toBe(true);
  expect(sources.available.has("battery")).toBe("getBattery" in navigator);
  expect(readings.batteryLevel === null).toBe(!("getBattery" in navigator));
  expect([null, "nominal", "fair", "serious", "critical"]).toContain(readings.pressure);
  expect(typeof readings.visible).toBe("boolean");
  sources.close();
});
