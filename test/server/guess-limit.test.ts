import { expect, test } from "vitest";
import { GuessLimit } from "../../server/guess-limit.ts";

const open = (burst = 3) => {
  const clock = { nowMs: 0 };
  return { clock, limit: new GuessLimit({ perSecond: 0.5, burst }, () => clock.nowMs) };
};

test("different codes count, and the same one once", () => {
  const { clock, limit } = open();
  for (const code of ["A", "B", "A", "B", "A"]) expect(limit.take("one", code)).toBe(0);
  expect(limit.take("one", "C")).toBe(0);
  expect(limit.take("one", "D")).toBe(2000);
  expect(limit.take("one", "A")).toBe(0);
  expect(limit.take("other", "D")).toBe(0);
  clock.nowMs += 2000;
  expect(limit.take("one", "D")).toBe(0);
});

test("a secret counts each time", () => {
  const { limit } = open(2);
  for (const expected of [0, 0, 2000]) {
    expect(limit.waitMs("one", null)).toBe(expected);
    limit.charge("one", null);
  }
});

test("what is not charged does not count", () => {
  const { limit } = open(1);
  for (let count = 0; count < 9; count += 1) expect(limit.waitMs("one", `code-${count}`)).toBe(0);
});

test("an address that tries ever more codes is charged again for the first ones", () => {
  const { clock, limit } = open(2);
  for (const code of ["A", "B", "C"]) {
    expect(limit.take("one", code)).toBe(0);
    clock.nowMs += 2000;
  }
  expect(limit.take("one", "A")).toBe(0);
  clock.nowMs += 2000;
  limit.charge("one", "A");
  for (const code of ["D", "E"]) expect(limit.take("one", code)).toBe(0);
  expect(limit.take("one", "B")).toBeGreaterThan(0);
});
