/** The expected time of a step, learned from a device's first steps. */
import { expect, test } from "vitest";
import { StepCalibration } from "../../src/tab/step-calibration.ts";

/** Samples of a device that takes `ratio` times as long as its probe predicts. */
function taken(calibration: StepCalibration, ...ratios: number[]): StepCalibration {
  for (const ratio of ratios) calibration.take(10 * ratio, 10);
  return calibration;
}

test("nothing is expected before enough samples", () => {
  expect(taken(new StepCalibration(), 2, 2, 2, 2).expectedMs(10)).toBeNull();
});

test("a device that is always slower than predicted is normal, and one slow step changes nothing", () => {
  expect(taken(new StepCalibration(), 2, 2, 40, 2, 2).expectedMs(10)).toBe(20);
});

test("the factor holds for another shard", () => {
  expect(taken(new StepCalibration(), 2, 2, 2, 2, 2).expectedMs(3)).toBe(6);
});

test("a device that slows down does not count as normal", () => {
  expect(taken(new StepCalibration(), 2, 2, 2, 2, 2, 6, 6, 6, 6, 6, 6).expectedMs(10)).toBe(20);
});

test("a device that was busy at first and becomes faster is expected to be faster", () => {
  expect(taken(new StepCalibration(), 6, 6, 6, 6, 6, 2, 2, 2, 2, 2).expectedMs(10)).toBe(20);
});

test("after another probe it starts again", () => {
  const calibration = taken(new StepCalibration(), 2, 2, 2, 2, 2);
  calibration.reset();
  expect(calibration.expectedMs(10)).toBeNull();
});
