/** What a step should take on a device, learnt from its first steps. */
import { expect, test } from "vitest";
import { StepCalibration } from "../../src/tab/step-calibration.ts";

/** Samples of a device that takes `ratio` times as long as its probe says. */
function taken(calibration: StepCalibration, ...ratios: number[]): StepCalibration {
  for (const ratio of ratios) calibration.take(10 * ratio, 10);
  return calibration;
}

test("nothing is expected before enough was seen", () => {
  expect(taken(new StepCalibration(), 2, 2, 2, 2).expectedMs(10)).toBeNull();
});

test("a device that is steadily off is normal, and one odd step is none of it", () => {
  expect(taken(new StepCalibration(), 2, 2, 40, 2, 2).expectedMs(10)).toBe(20);
});

test("the factor holds for another shard", () => {
  expect(taken(new StepCalibration(), 2, 2, 2, 2, 2).expectedMs(3)).toBe(6);
});

test("a device that slows down does not pass for normal", () => {
  expect(taken(new StepCalibration(), 2, 2, 2, 2, 2, 6, 6, 6, 6, 6, 6).expectedMs(10)).toBe(20);
});

test("one that was busy at first and then is faster is expected to be faster", () => {
  expect(taken(new StepCalibration(), 6, 6, 6, 6, 6, 2, 2, 2, 2, 2).expectedMs(10)).toBe(20);
});

test("after a new probe it learns anew", () => {
  const calibration = taken(new StepCalibration(), 2, 2, 2, 2, 2);
  calibration.reset();
  expect(calibration.expectedMs(10)).toBeNull();
});
