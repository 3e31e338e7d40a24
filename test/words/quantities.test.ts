import { describe, expect, test } from "vitest";
import { bytes, figure, giga, plural, time } from "../../src/words/quantities.ts";

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
