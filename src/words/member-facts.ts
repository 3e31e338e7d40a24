/**
 * A member's adapter, measurements, and state as labeled values. Pure. What a browser does not report is
 * left out of the current state, and is in the list of signals with what is used instead.
 */
import {
  DEFAULT_PLACEMENT_RULES,
  type DeviceState,
  FORECAST_AHEAD_MS,
  type Link,
  type Measurements,
  type Member,
  msUntilRatio,
  THROTTLED_RATIO,
  type ThrottleForecast,
} from "../shared/index.ts";
import type { Score } from "../placement/index.ts";
import { bytes, figure, giga, percent, seconds, time } from "./quantities.ts";

export type { Score };

/** A label, its value, and whether it deserves attention. */
export type Fact = { readonly label: string; readonly value: string; readonly alert?: boolean };

/** From this throttle ratio on, the value deserves attention: smaller ones may be noise. */
const ALERT_RATIO = 1.2;

/** "NVIDIA Ada Lovelace · Chromium 156"; the reason for a missing adapter is shown elsewhere. */
export function adapterLine({ adapter }: Pick<Member, "adapter">): string {
  if (adapter === null) return "Does not compute";
  const chip = [adapter.vendor, adapter.architecture].filter((part) => part !== "").join(" ");
  const named = chip || adapter.description || adapter.device || "Unknown GPU";
  return `${named} · ${adapter.browser}`;
}

/** The five measurements shown on every card. */
export function measuredFacts(measured: Measurements): Fact[] {
  return [
    { label: "GB/s copy", value: giga(measured.copyBytesPerMs) },
    { label: "GFLOPS", value: giga(measured.f32FlopsPerMs) },
    { label: "GMAC/s mat‑vec", value: giga(measured.matVecMacsPerMs) },
    { label: "dispatch", value: time(measured.dispatchMs) },
    { label: "readback", value: time(measured.readbackMs) },
  ];
}

/** The current state, most likely bottleneck first. */
export function deviceFacts(device: DeviceState): Fact[] {
  const facts: Fact[] = [{ label: "busy", value: percent(device.busyFraction) }];
  if (device.throttleRatio > 0) {
    facts.push({
      label: "slowdown",
      value: `×${figure(device.throttleRatio)}`,
      alert: device.throttleRatio >= ALERT_RATIO,
    });
  }
  if (device.pressure !== null) {
    const alert = device.pressure === "serious" || device.pressure === "critical";
    facts.push({ label: "pressure", value: device.pressure, alert });
  }
  if (device.batteryLevel !== null) {
    const charging = device.batteryCharging === true;
    facts.push({
      label: "battery",
      value: `${percent(device.batteryLevel)}${charging ? ", charging" : ""}`,
      alert: !charging && device.batteryLevel < DEFAULT_PLACEMENT_RULES.batteryLevel,
    });
  }
  if (!device.visible) facts.push({ label: "tab", value: "hidden", alert: true });
  return facts;
}

/** A warning, or null if the device is not about to become slower than placements ignore. */
export function describeForecast(forecast: ThrottleForecast): string | null {
  const inMs = msUntilRatio(forecast, THROTTLED_RATIO);
  if (inMs === null || inMs > FORECAST_AHEAD_MS) return null;
  const start =
    inMs === 0
      ? `a step takes ${figure(forecast.ratio)} times as long as usual`
      : `in ${seconds(inMs)}, a step will take ${figure(THROTTLED_RATIO)} times as long as usual`;
  return `Slowing down: ${start}, and ${figure(forecast.limit)} times as long if the trend continues.`;
}

/** What the browser reports of the device, and what is used instead of the missing signals. */
export function signalFacts(device: DeviceState): Fact[] {
  const isTimed = device.busySource === "timestamps";
  return [
    { label: "Temperature", value: "not available in browsers; inferred from slowdown" },
    { label: "Slowdown", value: "step time over the usual step time" },
    {
      label: "GPU utilization",
      value: isTimed ? "GPU timestamps" : "not available; estimated from step times",
    },
    {
      label: "GPU memory in use",
      value: "not available in browsers; estimated from this tab's allocations",
    },
    {
      label: "Compute pressure",
      value: device.pressure ?? "not available; inferred from slowdown",
    },
    {
      label: "Battery",
      value:
        device.batteryLevel === null
          ? "not available; counts as plugged in"
          : percent(device.batteryLevel),
    },
  ];
}

/** Limits and further measurements, for the details. */
export function limitFacts({ adapter, measurements }: Member): Fact[] {
  if (adapter === null) return [];
  const facts: Fact[] = [
    { label: "Maximum binding", value: bytes(adapter.maxStorageBindingBytes) },
    { label: "Maximum buffer", value: bytes(adapter.maxBufferBytes) },
    { label: "Workgroup storage", value: bytes(adapter.maxWorkgroupStorageBytes) },
    {
      label: "Maximum workgroup size",
      value: adapter.maxWorkgroupInvocations.toLocaleString("en"),
    },
    { label: "Storage buffers per stage", value: String(adapter.maxStorageBuffersPerStage) },
  ];
  if (measurements !== null) {
    const half = measurements.f16FlopsPerMs;
    facts.push(
      { label: "f16", value: half === null ? "not supported" : `${giga(half)} GFLOPS` },
      { label: "Mat-mul", value: `${giga(measurements.matMulMacsPerMs)} GMAC/s` },
    );
  }
  return facts;
}

/** The parts of a score, in the order of their default weights. */
export function scoreFacts({ compute, memory, network, thermal, bandwidth }: Score): Fact[] {
  const parts = [
    ["Compute", compute],
    ["Memory", memory],
    ["Network", network],
    ["Thermal", thermal],
    ["Bandwidth", bandwidth],
  ] as const;
  return parts.map(([label, value]) => ({ label, value: value.toFixed(2) }));
}

/** "12.4 ms round trip, 84 MB/s". */
export function linkText(link: Link): string {
  return `${time(link.roundTripMs)} round trip, ${bytes(link.bytesPerMs * 1000)}/s`;
}
