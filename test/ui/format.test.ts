import { describe, expect, test } from "vitest";
import { bytes, figure, giga, plural, time } from "../../src/ui/format.ts";
import { memberColor } from "../../src/ui/member-colors.ts";
import { moveBoundary } from "../../src/ui/placement-draft.ts";
import { id, member, stagesOver } from "./sample-room.ts";

describe("numbers as people read them", () => {
  test.each([
    [0, "0"],
    [0.0123, "0.012"],
    [0.999, "1.00"],
    [9.996, "10.0"],
    [99.96, "100"],
    [12345.6, "12,346"],
    [Number.NaN, "?"],
  ])("figure %f is %s", (value, shown) => expect(figure(value)).toBe(shown));

  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [999_600, "1.00 MB"],
    [98_362_432, "98.4 MB"],
    [2e15, "2,000 TB"],
  ])("%i bytes are %s", (value, shown) => expect(bytes(value)).toBe(shown));

  test.each([
    [0, "0 ms"],
    [0.0112, "11.2 µs"],
    [0.41, "0.41 ms"],
    [12_345, "12.3 s"],
  ])("%f ms are %s", (value, shown) => expect(time(value)).toBe(shown));

  test("rates and counts", () => {
    expect(giga(2.95e6)).toBe("2.95");
    expect(plural(1, "layer")).toBe("1 layer");
    expect(plural(1200, "layer")).toBe("1,200 layers");
  });
});

test("neighbouring members have different colours, and a member keeps its own", () => {
  const members = Array.from({ length: 20 }, (_, index) => member(index, `m${index}`));
  const colors = members.map((each) => memberColor(members, each.id));
  expect(new Set(colors).size).toBe(20);
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
