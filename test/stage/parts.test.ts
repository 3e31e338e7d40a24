/** The pure parts of a stage: randomness, hop times, the queue and the load meter. */
import { describe, expect, test } from "vitest";
import type { PromptFrame } from "../../src/mesh/frames.ts";
import { GenerationId } from "../../src/shared/ids.ts";
import { stepsInFlight } from "../../src/shared/step-time.ts";
import { Generation, GenerationTable } from "../../src/stage/generations.ts";
import { hopTimes, wireTime } from "../../src/stage/hop-times.ts";
import { LoadMeter } from "../../src/stage/load-meter.ts";
import { randomAt } from "../../src/stage/random.ts";
import { WorkQueue, type Work } from "../../src/stage/work-queue.ts";
import { member, request } from "../../tools/cpu/cpu-room.ts";

function prompt(generation: number, length: number): PromptFrame {
  const { sampling, maxTokens, endTokens, tokens } = request(generation, new Array(length).fill(1));
  const id = GenerationId.parse(generation);
  const attempt = { answer: "a", resumes: false };
  const body = { generation: id, requester: member("a"), sampling, maxTokens, endTokens, tokens };
  return { type: "prompt", placement: 1, epoch: 1, ...attempt, ...body };
}

describe("random", () => {
  test("is fixed by seed and position", () => {
    expect(randomAt(1, 2)).toBe(randomAt(1, 2));
    expect(randomAt(1, 2)).not.toBe(randomAt(2, 1));
  });

  test("is even over [0, 1) along positions and along seeds, and below 1 as an f32", () => {
    for (const draw of [(i: number) => randomAt(42, i), (i: number) => randomAt(i, 7)]) {
      const buckets = new Array<number>(10).fill(0);
      for (let index = 0; index < 10_000; index += 1) {
        const value = draw(index);
        expect(Math.fround(value)).toBeLessThan(1);
        buckets[Math.floor(value * 10)]! += 1;
      }
      // Five standard deviations of a fair bucket: sqrt(10000 * 0.1 * 0.9) = 30.
      buckets.forEach((count) => expect(Math.abs(count - 1000)).toBeLessThan(150));
    }
  });
});

test("short steps run four at a time, long ones alone", () => {
  expect([Infinity, 200, 40, 20, 12, 10, 1, 0].map(stepsInFlight)).toEqual([
    1, 1, 1, 2, 3, 4, 4, 4,
  ]);
});

describe("hop times", () => {
  const clock = (computeMs: number, waitMs: number, linkMs: number) => ({
    computeMs,
    waitMs,
    linkMs,
  });

  test("time on the wire is a lap's time minus that of the other stages", () => {
    const clocks = [clock(5, 1, 0), clock(7, 2, 0), clock(4, 3, 0)];
    expect(wireTime(30, clocks.slice(1))).toBe(30 - 7 - 2 - 4 - 3);
    expect(wireTime(10, clocks)).toBe(0);
  });

  test("it is divided by ping, and a hop lasts until the next stage starts", () => {
    const clocks = [clock(5, 1, 1), clock(5, 2, 3)];
    expect(hopTimes(clocks, 13 + 8)).toEqual([2 + 2, 6 + 1]);
    expect(hopTimes(clocks, null)).toEqual([1 + 2, 3 + 1]); // the first lap: the pings
    expect(hopTimes([clock(5, 1, 0), clock(5, 2, 0)], 13 + 8)).toEqual([4 + 2, 4 + 1]);
  });
});

describe("the queue", () => {
  const work = (generation: Generation, position: number, count: number): Work => {
    const hidden = Float32Array.from({ length: count * 2 }, (_, index) => position * 2 + index);
    const times = { clocks: [], arrivedAtMs: 0 };
    return { generation, position, count, tokens: null, part: null, hidden, ...times };
  };
  const shape = (batch: Work[]) =>
    batch.map(({ generation, position, count }) => [generation.id, position, count]);
  const [one, two, three] = [1, 2, 3].map((id) => new Generation(prompt(id, 20), id, 0)) as [
    Generation,
    Generation,
    Generation,
  ];

  test("answers go first, and leave a part of the step to prompts", () => {
    const queue = new WorkQueue();
    queue.add(work(one, 0, 20));
    queue.add(work(two, 20, 1));
    queue.add(work(three, 25, 1));
    expect(shape(queue.take(8))).toEqual([
      [2, 20, 1],
      [3, 25, 1],
      [1, 0, 2],
    ]);
    expect(shape(queue.take(8))).toEqual([[1, 2, 8]]);
    queue.drop(one);
    expect(queue.take(8)).toEqual([]);
  });

  test("split work keeps its rows, and prompts fill a step together", () => {
    const queue = new WorkQueue();
    queue.add(work(one, 0, 5));
    queue.add(work(two, 10, 5));
    const [first, second] = queue.take(8);
    expect(shape([first!, second!])).toEqual([
      [1, 0, 5],
      [2, 10, 3],
    ]);
    expect([...second!.hidden!]).toEqual([20, 21, 22, 23, 24, 25]);
    const [remaining] = queue.take(8);
    expect(shape([remaining!])).toEqual([[2, 13, 2]]);
    expect([...remaining!.hidden!]).toEqual([26, 27, 28, 29]);
    expect(queue.length).toBe(0);
  });

  test("answers beyond the rows of a step wait for the next one", () => {
    const queue = new WorkQueue();
    [one, two, three].forEach((generation) => queue.add(work(generation, 20, 1)));
    expect(shape(queue.take(2)).map(([id]) => id)).toEqual([1, 2]);
    expect(shape(queue.take(2)).map(([id]) => id)).toEqual([3]);
  });
});

test("a slot is assigned once, and again when it is free", () => {
  const table = new GenerationTable(2);
  const first = table.add(prompt(1, 3), 0)!;
  expect(table.add(prompt(1, 3), 0)).toBeNull(); // the id is taken
  const second = table.add(prompt(2, 3), 0)!;
  expect([first.slot, second.slot]).toEqual([0, 1]);
  expect(table.add(prompt(3, 3), 0)).toBeNull();
  table.remove(first);
  table.remove(first);
  expect(table.add(prompt(3, 3), 0)!.slot).toBe(0);
  expect(table.add(prompt(4, 3), 0)).toBeNull();
});

test("the load meter counts, takes the median of decode steps, and resets", () => {
  const meter = new LoadMeter(1000);
  meter.add(100, 8, 0);
  [3, 9, 5].forEach((ms) => meter.add(ms, 2, 2));
  expect(meter.read(1234, null)).toEqual({
    rows: 14,
    busyFraction: 117 / 234,
    busySource: "steps",
    stepMs: 5,
    tokensPerSecond: 6000 / 234,
  });
  expect(meter.read(1300, null)).toMatchObject({
    rows: 0,
    busyFraction: 0,
    stepMs: null,
  });
  meter.add(80, 1, 1);
  expect(meter.read(1400, 0.25)).toMatchObject({ busyFraction: 0.2, busySource: "timestamps" });
});
