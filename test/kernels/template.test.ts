import { expect, test } from "vitest";
import { expandTemplate } from "../../src/kernels/core/template.ts";

test("values, and arithmetic on them, are filled in; other braces stay", () => {
  expect(expandTemplate("fn f() { a[{r+1}] = {N}; } {unknown}", { r: 2, N: 7 })).toBe(
    "fn f() { a[3] = 7; } {unknown}",
  );
});

test("loops nest and see the outer variable", () => {
  const wgsl = ["// #each r < R", "// #each t < 2", "x_{r}_{t} = {r*4};", "// #end", "// #end"];
  expect(expandTemplate(wgsl.join("\n"), { R: 2 }).split("\n")).toEqual([
    "x_0_0 = 0;",
    "x_0_1 = 0;",
    "x_1_0 = 4;",
    "x_1_1 = 4;",
  ]);
});

test("a join puts its operator between the copies", () => {
  expect(expandTemplate("// #join + i < 3\na{i}\n// #end", {})).toBe("a0\n+\na1\n+\na2");
});

test("parts are replaced before loops, and may name parts", () => {
  const parts = { outer: "// #each i < 2\n// #part inner\n// #end", inner: "p{i};" };
  expect(expandTemplate("  // #part outer", {}, parts)).toBe("p0;\np1;");
});

test("an unknown part, a loop without end and a bound that is not a number are rejected", () => {
  expect(() => expandTemplate("// #part nothing", {})).toThrow(/no part is named "nothing"/);
  expect(() => expandTemplate("// #each i < 2\nx", {})).toThrow(/has no #end/);
  expect(() => expandTemplate("// #each i < N\nx\n// #end", {})).toThrow(/bound N is not a number/);
  expect(() => expandTemplate("// #part a", {}, { a: "// #part a" })).toThrow(/includes itself/);
});
