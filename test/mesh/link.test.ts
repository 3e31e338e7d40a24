/** The pure parts of a connection: heartbeat and link measurement. */
import { describe, expect, test } from "vitest";
import { Heartbeat } from "../../src/mesh/heartbeat.ts";
import { measureLink } from "../../src/mesh/link-measurement.ts";

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

  test("any byte from the peer resets the count", () => {
    const beat = new Heartbeat();
    ticks(beat, 5, false);
    beat.heard();
    expect(ticks(beat, 6, false)).toEqual(new Array<string>(6).fill("ping"));
  });
});

describe("link measurement", () => {
  test("measures round trip and bandwidth despite outliers", async () => {
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
    ["most empty pings waited: the others count", 1, 10_000, 10_000],
    ["all of them waited: the bandwidth is limited", 0, 10_000, 100_000],
  ])("%s", async (_, quick, lowest, highest) => {
    let empty = 0;
    const { bytesPerMs } = await measureLink((payloadBytes, echo) => {
      const waited = payloadBytes === 0 && empty++ >= quick ? 60 : 0;
      return Promise.resolve(2 + waited + (payloadBytes * (echo ? 2 : 1)) / 10_000);
    }, 4608);
    expect(bytesPerMs).toBeGreaterThan(lowest * 0.99);
    expect(bytesPerMs).toBeLessThan(highest * 1.01);
  });

  test("a link too fast for the clock has a large, finite bandwidth", async () => {
    const { bytesPerMs } = await measureLink(() => Promise.resolve(0), 100);
    expect(bytesPerMs).toBeLessThan(1e8);
    expect(bytesPerMs).toBeGreaterThan(1e6);
  });

  test("a broken link rejects", async () => {
    await expect(measureLink(() => Promise.reject(new Error("closed")), 1)).rejects.toThrow(
      "closed",
    );
  });
});
