import { expect, test } from "vitest";
import type { Measurements } from "../../src/shared/member.ts";
import { predictStepMs } from "../../src/telemetry/predict-step.ts";

const layer = { weightBytes: 0, kvBytesPerToken: 0, macs: 3000 };
const model = { layers: [layer, layer, layer], headMacs: 5000 };
const measurements: Measurements = {
  copyBytesPerMs: 1,
  f32FlopsPerMs: 1,
  f16FlopsPerMs: null,
  matVecMacsPerMs: 1000,
  matMulMacsPerMs: 1,
  dispatchMs: 0.01,
  readbackMs: 0.5,
  submitWhileWaitingHelps: false,
  memoryBudgetBytes: 1,
  measuredAtMs: 0,
};

test("layers at the mat-vec rate, their dispatches, one readback", () => {
  // 2 layers: 6 ms of products; (2 * 8 + 4) dispatches: 0.2 ms; 0.5 ms to read back
  expect(predictStepMs(model, { first: 0, end: 2 }, measurements)).toBeCloseTo(6.7);
});

test("the last stage has the head too", () => {
  // 1 layer: 3 ms; head: 5 ms; 12 dispatches: 0.12 ms; 0.5 ms
  expect(predictStepMs(model, { first: 2, end: 3 }, measurements)).toBeCloseTo(8.62);
});
