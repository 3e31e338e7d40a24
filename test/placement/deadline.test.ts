/** When the solver stops, with a simulated clock. */
import { expect, test } from "vitest";
import { watchDeadline } from "../../src/placement/solver/deadline.ts";

/** Each check reads the next of `times`. */
function looks(deadlineMs: number, times: readonly number[]): boolean[] {
  const left = [0, ...times];
  const { isLate } = watchDeadline({ deadlineMs, now: () => left.shift()! });
  return times.map(() => isLate());
}

test("short stretches use all of the time", () => {
  expect(looks(100, [1, 2, 3, 4])).toEqual([false, false, false, false]);
  const each = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(looks(100, each).indexOf(true)).toBe(99);
});

test("after a long stretch, it stops if another one would end too late", () => {
  // 20 + 20 + 20 + 20: the fifth would end at 100, the sixth at 120.
  expect(looks(100, [20, 40, 60, 80])).toEqual([false, false, false, false]);
  expect(looks(100, [20, 40, 60, 80, 90])).toEqual([false, false, false, false, true]);
});

test("an old long stretch no longer counts", () => {
  const times = [30, ...Array.from({ length: 60 }, (_, i) => 31 + i)];
  expect(looks(100, times)).not.toContain(true);
});

test("once late, it stays late", () => {
  const times = [10];
  const { isLate, wasHit } = watchDeadline({ deadlineMs: 5, now: () => times.shift() ?? 16 });
  expect(wasHit()).toBe(false);
  expect(isLate()).toBe(true);
  expect(isLate()).toBe(true);
  expect(wasHit()).toBe(true);
});
