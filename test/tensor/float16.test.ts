import { expect, test } from "vitest";
import { bfloat16ToNumber, float16ToNumber, numberToFloat16 } from "../../src/tensor/float16.ts";

test("every finite half and both infinities survive the round trip", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    if ((bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0) continue;
    expect(numberToFloat16(float16ToNumber(bits))).toBe(bits);
  }
});

test.each([
  [1, 0x3c00],
  [-2, 0xc000],
  [65504, 0x7bff],
  [65520, 0x7c00],
  [2 ** -24, 1],
  [2 ** -25, 0],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [2 - 2 ** -12, 0x4000],
])("%d rounds to nearest even", (value, bits) => {
  expect(numberToFloat16(value)).toBe(bits);
});

test("NaN stays NaN", () => {
  expect(float16ToNumber(0x7e00)).toBeNaN();
  expect(float16ToNumber(numberToFloat16(NaN))).toBeNaN();
});

test("bfloat16 is the upper half of an f32", () => {
  expect(bfloat16ToNumber(0x3fc0)).toBe(1.5);
  expect(bfloat16ToNumber(0xc000)).toBe(-2);
});
