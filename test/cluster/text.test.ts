/** Stop strings for any split of the text, and ids that never repeat. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { epochOfId, idInEpoch } from "../../src/cluster/log/numbering.ts";
import { StopStrings } from "../../src/cluster/generation/stop-strings.ts";

function through(stops: readonly string[], pieces: readonly string[]) {
  const filter = new StopStrings(stops);
  const said = pieces.map((piece) => filter.push(piece)).join("") + filter.flush();
  return { said, stopped: filter.stopped };
}

describe("stop strings", () => {
  test.each([
    [["END"], ["one E", "N", "D two"], "one ", true],
    [["END"], ["one E", "NX"], "one ENX", false],
    [["END"], ["one EN"], "one EN", false],
    [["b", "ab"], ["xa", "by"], "x", true],
    [[""], ["text"], "text", false],
    [["aab"], ["aa", "a", "b"], "a", true],
  ])("%j in %j", (stops, pieces, said, stopped) => {
    expect(through(stops, pieces)).toEqual({ said, stopped });
  });

  test("however the text is split, the answer is the text before the first stop string", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 20 });
    const stop = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(letters), stop, (pieces, one) => {
        const whole = pieces.join("");
        const at = whole.indexOf(one);
        expect(through([one], pieces)).toEqual({
          said: at < 0 ? whole : whole.slice(0, at),
          stopped: at >= 0,
        });
      }),
    );
  });

  test("text that cannot become a stop is not held back", () => {
    expect(new StopStrings(["END"]).push("hello ")).toBe("hello ");
  });
});

describe("ids", () => {
  test("contain their epoch, increase, and differ between epochs", () => {
    expect(idInEpoch(3, 5)).toBeGreaterThan(idInEpoch(3, 4));
    expect(idInEpoch(4, 1)).toBeGreaterThan(idInEpoch(3, 1_000_000));
    expect(epochOfId(idInEpoch(3, 5))).toBe(3);
    expect(idInEpoch(4095, 2 ** 20 - 1)).toBeLessThanOrEqual(0xffff_ffff);
  });
  test("an epoch without further ids throws", () => {
    expect(() => idInEpoch(1, 2 ** 20)).toThrow(/1048575 ids/);
  });
});
