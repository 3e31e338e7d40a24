/** Bounds of steps, laps, and answers: multiples of what was measured, with floors. */
import { describe, expect, test } from "vitest";
import { GenerationId, MemberId } from "../../src/shared/ids.ts";
import { GREEDY } from "../../src/shared/sampling.ts";
import { Generation } from "../../src/stage/generations.ts";
import {
  answerBoundMs,
  firstLapBoundMs,
  lapBoundMs,
  LapWatch,
  stepBoundMs,
} from "../../src/stage/lap-watch.ts";

const facts = { longestLapMs: 0, ownPromptMs: 0, stages: 2, promptRows: 10, predictedMs: 5 };

test("bounds grow with what was measured, and never fall below their floors", () => {
  expect([lapBoundMs(10), lapBoundMs(2000)]).toEqual([10_000, 16_000]);
  expect(firstLapBoundMs(facts)).toBe(30_000);
  expect(firstLapBoundMs({ ...facts, ownPromptMs: 5000 })).toBe(80_000);
  expect(firstLapBoundMs({ ...facts, predictedMs: 1000 })).toBe(80_000);
  expect(firstLapBoundMs({ ...facts, predictedMs: null, promptRows: 100 })).toBe(800_000);
  expect([stepBoundMs(1, null), stepBoundMs(1, 50), stepBoundMs(512, 50)]).toEqual([
    120_000, 30_000, 512_000,
  ]);
  expect([answerBoundMs(facts, null), answerBoundMs(facts, 50)]).toEqual([60_000, 20_000]);
});

describe("a stage", () => {
  const generation = () =>
    new Generation(
      {
        type: "prompt",
        placement: 1,
        epoch: 1,
        generation: GenerationId.parse(1),
        requester: MemberId.parse("a"),
        answer: "1",
        resumes: false,
        maxTokens: 9,
        sampling: GREEDY,
        endTokens: [],
        tokens: new Uint32Array(4),
      },
      0,
      0,
    );

  test("waits for the first lap longer than for the next", () => {
    const watch = new LapWatch(2, 5);
    const one = generation();
    one.nextPosition = 4;
    expect(watch.lateLap(one, 30_000)).toBeNull();
    expect(watch.lateLap(one, 30_001)).toEqual({ afterMs: 30_001, boundMs: 30_000 });
    watch.returned(one, 40_000);
    one.nextPosition = 5;
    expect(watch.lateLap(one, 50_001)).toEqual({ afterMs: 10_001, boundMs: 10_000 });
    // A lap that took 3 s, and came: others may take eight times that.
    watch.returned(one, 43_000);
    expect(watch.lateLap(one, 60_000)).toBeNull();
    expect(watch.lateLap(one, 67_001)).toMatchObject({ boundMs: 24_000 });
  });

  test("a generation in a step is not late, but the step may be", () => {
    const watch = new LapWatch(2, 5);
    const one = generation();
    const work = { generation: one, position: 4, count: 1, tokens: null, part: null, hidden: null };
    const batch = [{ ...work, clocks: [], arrivedAtMs: 0 }];
    const first = watch.stepStarted(batch, 1, 0);
    expect(watch.lateLap(one, 100_000)).toBeNull();
    expect(watch.lateStep(100_000)).toBeNull();
    expect(watch.lateStep(120_001)).toEqual({ afterMs: 120_001, boundMs: 120_000 });
    watch.stepEnded(first, 1000, 1000);
    expect(watch.lateStep(500_000)).toBeNull();
    watch.stepStarted(batch, 4, 1000);
    expect(watch.lateStep(81_001)).toEqual({ afterMs: 80_001, boundMs: 80_000 });
  });
});
