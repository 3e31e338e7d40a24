import { expect, test } from "vitest";
import { openSources, type SourceScope } from "../../src/telemetry/sources.ts";

test("the sources of a real browser open, and their readings fit a device state", async () => {
  const sources = await openSources(window as unknown as SourceScope, 1000);
  const readings = sources.read();
  expect(readings.batteryLevel === null).toBe(!("getBattery" in navigator));
  expect([null, "nominal", "fair", "serious", "critical"]).toContain(readings.pressure);
  expect(typeof readings.visible).toBe("boolean");
  sources.close();
});
