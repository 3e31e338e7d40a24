/** Compares a kernel's output with its reference. */
import { expect } from "vitest";
import type { Tolerance } from "./tolerances.ts";

/**
 * Fails unless every element is finite and within
 * `absolute + relative * max(|expected[i]|, rms(expected))` of the reference: an
 * element near zero is judged by the scale of the whole, since it is a
 * difference of large terms.
 */
export function expectClose(
  actual: Float32Array,
  expected: Float32Array | Float64Array,
  { relative, absolute }: Tolerance,
): void {
  expect(actual.length, "number of elements").toBe(expected.length);
  let squares = 0;
  for (const value of expected) squares += value * value;
  const scale = Math.sqrt(squares / Math.max(1, expected.length));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    const allowed = absolute + relative * Math.max(Math.abs(expected[i]!), scale);
    // The comparison is written so that NaN fails.
    if (!(error <= allowed)) {
      expect.fail(`element ${i}: got ${actual[i]}, expected ${expected[i]}, allowed ${allowed}`);
    }
  }
}
