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

/** `alert`: it deserves attention. */
export type Fact = readonly [label: string, value: string, alert?: boolean];

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
    ["GB/s copy", giga(measured.copyBytesPerMs)],
    ["GFLOPS", giga(measured.f32FlopsPerMs)],
    ["GMAC/s mat‑vec", giga(measured.matVecMacsPerMs)],
    ["dispatch", time(measured.dispatchMs)],
    ["readback", time(measured.readbackMs)],
  ];
}

/** The current state, most likely bottleneck first. */
export function deviceFacts(device: DeviceState): Fact[] {
  const { throttleRatio, pressure, batteryLevel } = device;
  const facts: Fact[] = [["busy", percent(device.busyFraction)]];
  if (throttleRatio > 0)
    facts.push(["slowdown", `×${figure(throttleRatio)}`, throttleRatio >= ALERT_RATIO]);
  if (pressure !== null)
    facts.push(["pressure", pressure, pressure === "serious" || pressure === "critical"]);
  if (batteryLevel !== null) {
    const charging = device.batteryCharging === true;
    const isLow = !charging && batteryLevel < DEFAULT_PLACEMENT_RULES.batteryLevel;
    facts.push(["battery", `${percent(batteryLevel)}${charging ? ", charging" : ""}`, isLow]);
  }
  if (!device.visible) facts.push(["tab", "hidden", true]);
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
  const { busySource, pressure, batteryLevel } = device;
  const isTimed = busySource === "timestamps";
  return [
    ["Temperature", "not available in browsers; inferred from slowdown"],
    ["Slowdown", "step time over the usual step time"],
    ["GPU utilization", isTimed ? "GPU timestamps" : "not available; estimated from step times"],
    ["GPU memory in use", "not available in browsers; estimated from this tab's allocations"],
    ["Compute pressure", pressure ?? "not available; inferred from slowdown"],
    [
      "Battery",
      batteryLevel === null ? "not available; counts as plugged in" : percent(batteryLevel),
    ],
  ];
}

/** Limits and further measurements, for the details. */
export function limitFacts({ adapter, measurements }: Member): Fact[] {
  if (adapter === null) return [];
  const facts: Fact[] = [
    ["Maximum binding", bytes(adapter.maxStorageBindingBytes)],
    ["Maximum buffer", bytes(adapter.maxBufferBytes)],
    ["Workgroup storage", bytes(adapter.maxWorkgroupStorageBytes)],
    ["Maximum workgroup size", adapter.maxWorkgroupInvocations.toLocaleString("en")],
    ["Storage buffers per stage", String(adapter.maxStorageBuffersPerStage)],
  ];
  if (measurements !== null) {
    const half = measurements.f16FlopsPerMs;
    facts.push(
      ["f16", half === null ? "not supported" : `${giga(half)} GFLOPS`],
      ["Mat-mul", `${giga(measurements.matMulMacsPerMs)} GMAC/s`],
    );
  }
  return facts;
}

/** The parts of a score, in the order of their default weights. */
export function scoreFacts({ compute, memory, network, thermal, bandwidth }: Score): Fact[] {
  return [
    ["Compute", compute.toFixed(2)],
    ["Memory", memory.toFixed(2)],
    ["Network", network.toFixed(2)],
    ["Thermal", thermal.toFixed(2)],
    ["Bandwidth", bandwidth.toFixed(2)],
  ];
}

/** "12.4 ms round trip, 84 MB/s". */
export function linkText(link: Link): string {
  return `${time(link.roundTripMs)} round trip, ${bytes(link.bytesPerMs * 1000)}/s`;
}
