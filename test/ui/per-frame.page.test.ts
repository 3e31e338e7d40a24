import { expect, test } from "vitest";
import { perFrame } from "../../src/ui/per-frame.ts";

test("only the latest value of a frame is shown", async () => {
  const shown: number[] = [];
  const show = perFrame((value: number) => shown.push(value));
  for (const value of [1, 2, 3]) show(value);
  expect(shown).toEqual([]);
  await new Promise(requestAnimationFrame);
  expect(shown).toEqual([3]);
  show(4);
  await new Promise(requestAnimationFrame);
  expect(shown).toEqual([3, 4]);
});
