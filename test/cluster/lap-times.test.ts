/** Mean stage times of an answer's laps. */
import { expect, test } from "vitest";
import { LapTimes } from "../../src/cluster/generation/lap-times.ts";

const lap = (...computeMs: number[]) => ({ computeMs, hopMs: computeMs.map((ms) => ms / 10) });

test("the lap with the prompt counts only while it is the only one", () => {
  const times = new LapTimes();
  expect(times.mean()).toEqual([]);
  expect(times.add(lap(90, 90))).toBe(false);
  expect(times.mean()).toEqual([
    { computeMs: 90, hopMs: 9 },
    { computeMs: 90, hopMs: 9 },
  ]);
  expect(times.add(lap(2, 4))).toBe(true);
  expect(times.add(lap(4, 8))).toBe(true);
  expect(times.mean()).toEqual([
    { computeMs: 3, hopMs: expect.closeTo(0.3) as number },
    { computeMs: 6, hopMs: expect.closeTo(0.6) as number },
  ]);
});

test("with another number of stages, the means start again", () => {
  const times = new LapTimes();
  for (const each of [lap(90), lap(2), lap(5, 7)]) times.add(each);
  expect(times.mean().map(({ computeMs }) => computeMs)).toEqual([5, 7]);
});

test("after a restart the next lap carries a prompt again", () => {
  const times = new LapTimes();
  for (const each of [lap(90), lap(2)]) times.add(each);
  times.restart();
  expect(times.add(lap(80))).toBe(false);
  expect(times.add(lap(3))).toBe(true);
  expect(times.mean()).toMatchObject([{ computeMs: 3 }]);
});
