import { expect, test } from "vitest";
import type { Measurements } from "../../src/shared/member.ts";
import { predictStepMs } from "../../src/shared/step-time.ts";

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
  // 2 layers: 6 ms of products; 2 * 5 dispatches and one for the embedding: 0.11 ms; 0.5 ms to read back
  expect(predictStepMs(model, { first: 0, end: 2 }, measurements)).toBeCloseTo(6.61);
  // A middle stage has no embedding.
  expect(predictStepMs(model, { first: 1, end: 2 }, measurements)).toBeCloseTo(3.55);
});

test("the last stage has the head too", () => {
  // 1 layer: 3 ms; head: 5 ms; 5 + 4 dispatches: 0.09 ms; 0.5 ms
  expect(predictStepMs(model, { first: 2, end: 3 }, measurements)).toBeCloseTo(8.59);
});

test("with all layers, two steps of 14.2 ms are in flight, and one hides the readback of the other", () => {
  // 3 layers: 9 ms; head: 5 ms; 15 + 1 + 4 dispatches: 0.2 ms
  expect(predictStepMs(model, { first: 0, end: 3 }, measurements)).toBeCloseTo(14.2);
});
