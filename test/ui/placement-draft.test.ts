import { describe, expect, test } from "vitest";
import { memberColor } from "../../src/ui/member-colors.ts";
import { moveBoundary } from "../../src/shared/stages.ts";
import { id, member, stagesOver } from "./sample-room.ts";

test("members have different colors, which do not depend on the order of the list", () => {
  const members = Array.from({ length: 20 }, (_, index) => member(index, `m${index}`));
  const colors = members.map((each) => memberColor(members, each.id));
  expect(new Set(colors).size).toBe(20);
  expect(members.map((each) => memberColor(members.toReversed(), each.id))).toEqual(colors);
  expect(memberColor(members, id("left"))).toBe("var(--line-strong)");
});

describe("a draft", () => {
  const stages = stagesOver([member(0, "a"), member(1, "b"), member(2, "c")], 30);

  test("stays contiguous and leaves each stage a layer", () => {
    for (const layer of [-5, 1, 7, 19, 25]) {
      const moved = moveBoundary(stages, 0, layer);
      expect(moved[0]!.end).toBe(moved[1]!.first);
      for (const { first, end } of moved) expect(end).toBeGreaterThan(first);
    }
    expect(() => moveBoundary(stages, 2, 5)).toThrow("no boundary 2 between 3 stages");
  });
});
