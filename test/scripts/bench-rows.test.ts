/** What the benches of rooms print. */
import { expect, test } from "vitest";
import { tableOf } from "../../bench/recovery/rows.ts";

test("a value is beside its bound, and what was not measured does not meet it", () => {
  const row = { unit: "ms", note: "" } as const;
  const cells = tableOf([
    { ...row, what: "pause", value: 90, bound: 1000 },
    { ...row, what: "next token", value: 4200, bound: 3000 },
    { ...row, what: "loss", value: NaN, bound: 500 },
    { ...row, what: "cost", value: 0.012, unit: "share", bound: null },
  ]).map((line) => line.split("|").map((cell) => cell.trim()));
  expect(cells.slice(2).map((line) => line.slice(1, 5))).toEqual([
    ["pause", "90 ms", "1.0 s", "met"],
    ["next token", "4.2 s", "3.0 s", "missed"],
    ["loss", "not measured", "500 ms", "missed"],
    ["cost", "1.2 %", "", ""],
  ]);
});
