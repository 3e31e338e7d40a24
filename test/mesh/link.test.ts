/** The pure parts of a connection: handshake, heartbeat, link measurement. */
import { describe, expect, test } from "vitest";
import { judgeHello } from "../../src/mesh/handshake.ts";
import { Heartbeat } from "../../src/mesh/heartbeat.ts";
import { measureLink, median } from "../../src/mesh/link-measurement.ts";
import { MemberId } from "../../src/shared/ids.ts";

const PEER = MemberId.parse("peer");
const hello = { type: "hello", protocol: 3, member: "peer" };

describe("handshake", () => {
  test("the same version and the right name are welcome", () => {
    expect(judgeHello(hello, 3, PEER)).toEqual({ kind: "welcome" });
  });

  test.each<[string, unknown, RegExp]>([
    [
      "a newer room",
      { ...hello, protocol: 4 },
      /speaks protocol 3, the room speaks 4: reload this/,
    ],
    ["a newer room with a new field", { ...hello, protocol: 4, more: 1 }, /the room speaks 4/],
    ["an older room", { ...hello, protocol: 2 }, /speaks 2: reload the other tabs/],
    ["another name", { ...hello, member: "other" }, /introduced itself by another name/],
    ["an unknown field", { ...hello, more: 1 }, /introduced itself by another name/],
    ["no hello", { type: "message", body: 1 }, /did not introduce itself/],
    ["no object", undefined, /did not introduce itself/],
  ])("%s is refused in words", (_, message, reason) => {
    const result = judgeHello(message, 3, PEER);
    expect(result.kind === "refused" && result.reason).toMatch(reason);
  });
});

describe("heartbeat", () => {
  const ticks = (beat: Heartbeat, count: number, inDoubt: boolean) =>
    Array.from({ length: count }, () => beat.tick(inDoubt));

  test("a peer is dead after six unanswered pings, two when the path is in doubt", () => {
    expect(ticks(new Heartbeat(), 7, false)).toEqual([
      ...new Array<string>(6).fill("ping"),
      "dead",
    ]);
    expect(ticks(new Heartbeat(), 3, true)).toEqual(["ping", "ping", "dead"]);
  });

  test("any sign of life starts the count anew", () => {
    const beat = new Heartbeat();
    ticks(beat, 5, false);
    beat.heard();
    expect(ticks(beat, 6, false)).toEqual(new Array<string>(6).fill("ping"));
  });
});

describe("link measurement", () => {
  test("finds the round trip and the bandwidth of a link, whatever its outliers", async () => {
    const bytesPerMs = 5000;
    let pings = 0;
    const quality = await measureLink((payloadBytes, echo) => {
      pings += 1;
      const outlier = pings % 4 === 1 ? 50 : 0;
      return Promise.resolve(8 + outlier + (payloadBytes * (echo ? 2 : 1)) / bytesPerMs);
    }, 2500);
    expect(quality.roundTripMs).toBeCloseTo(9);
    expect(quality.bytesPerMs).toBeCloseTo(bytesPerMs);
  });

  test.each([
    ["most empty pings had to wait: the others count", 1, 10_000, 10_000],
    ["all of them had to wait: no link is endlessly fast", 0, 10_000, 100_000],
  ])("%s", async (_, quick, least, most) => {
    let empty = 0;
    const { bytesPerMs } = await measureLink((payloadBytes, echo) => {
      const waited = payloadBytes === 0 && empty++ >= quick ? 60 : 0;
      return Promise.resolve(2 + waited + (payloadBytes * (echo ? 2 : 1)) / 10_000);
    }, 4608);
    expect(bytesPerMs).toBeGreaterThan(least * 0.99);
    expect(bytesPerMs).toBeLessThan(most * 1.01);
  });

  test("a link too fast for the clock gets a large number, not infinity", async () => {
    const { bytesPerMs } = await measureLink(() => Promise.resolve(0), 100);
    expect(bytesPerMs).toBeLessThan(1e8);
    expect(bytesPerMs).toBeGreaterThan(1e6);
  });

  test("a broken link rejects", async () => {
    await expect(measureLink(() => Promise.reject(new Error("closed")), 1)).rejects.toThrow(
      "closed",
    );
  });

  test("a median of an even number is between its middles", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });
});
