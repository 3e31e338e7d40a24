/** When the solver stops: a clock that is told what it says. */
import { expect, test } from "vitest";
import { watchDeadline } from "../../src/placement/solver/deadline.ts";

/** Each look is at the next of `times`. */
function looks(deadlineMs: number, times: readonly number[]): boolean[] {
  const left = [...times];
  const { isLate } = watchDeadline(0, deadlineMs, () => left.shift()!);
  return times.map(() => isLate());
}

test("short stretches use the time to its end", () => {
  expect(looks(100, [1, 2, 3, 4])).toEqual([false, false, false, false]);
  const each = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(looks(100, each).indexOf(true)).toBe(99);
});

test("a long stretch stops in time for another one like it", () => {
  // 20 + 20 + 20 + 20: the fifth would end at 100, the sixth at 120.
  expect(looks(100, [20, 40, 60, 80])).toEqual([false, false, false, false]);
  expect(looks(100, [20, 40, 60, 80, 90])).toEqual([false, false, false, false, true]);
});

test("a long stretch of long ago is forgotten", () => {
  const times = [30, ...Array.from({ length: 60 }, (_, i) => 31 + i)];
  expect(looks(100, times)).not.toContain(true);
});

test("once late is late, and it says so", () => {
  const { isLate, wasHit } = watchDeadline(10, 5, () => 16);
  expect(wasHit()).toBe(false);
  expect(isLate()).toBe(true);
  expect(isLate()).toBe(true);
  expect(wasHit()).toBe(true);
});
