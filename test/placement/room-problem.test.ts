/** The cost model's numbers from a room's measurements, worked by hand. */
import { expect, test } from "vitest";
import { Problem } from "../../src/placement/problem/problem.ts";
import type { Member } from "../../src/shared/member.ts";
import { roomProblem } from "../../src/placement/problem/room-problem.ts";
import { solve } from "../../src/placement/solver/solve.ts";
import { HEALTHY, member, MODEL, room } from "./room.ts";

test("a room's problem is a problem, with times from measured rates", () => {
  const { problem } = roomProblem(room(), MODEL);
  expect(Problem.parse(problem)).toEqual(problem);
  const [desktop] = problem.members;
  // 80e6 / 80e6 of mat-vec, 2048 x 512 / 20e6 of cache, 5 dispatches of 0.01 ms.
  expect(desktop?.layerMs[0]).toBeCloseTo(1 + 0.0524288 + 0.05, 9);
  expect(desktop?.prefillLayerMs?.[0]).toBeCloseTo((64 * 1) / 8 + 0.0524288 + 0.05, 9);
  expect(desktop?.stageMs).toBe(0.5);
  expect(desktop?.headMs).toBeCloseTo(65 / 80 + 0.04, 9);
  expect(desktop?.memoryBytes).toBe(
    800_000_000 - (4_000_000 + 64 * 60_000 + 1024 * 256 + 16 * 70_000 + 400_000),
  );
  expect(problem.links[0]).toMatchObject({ latencyMs: 2, bytesPerMs: 10_000 });
  expect(problem.model.layers[0]).toEqual({
    weightBytes: 50_000_000,
    kvBytes: 2048 * 1024,
    bindingBytes: 40_000_000,
  });
  expect(problem.model.headBytes).toBe(MODEL.embedBytes);
  expect(problem.model.hiddenBytes).toBe(4 * 2048);
});

test("corrections and throttling make a member's layers slower, but not its overhead", () => {
  const usual = roomProblem(room(), MODEL).problem.members[0]!;
  const slow = (desktop: Partial<Member>) =>
    roomProblem(room({ desktop }), MODEL).problem.members[0]!;
  const corrected = slow({ costRatio: 1.5 });
  expect(corrected.layerMs[3]).toBeCloseTo(usual.layerMs[3]! * 1.5, 9);
  expect(corrected.stageMs).toBe(usual.stageMs);
  // 2.4 counts as 1.5 squared; below 1.5 a throttle ratio is noise.
  const throttled = slow({ costRatio: 1.5, device: { ...HEALTHY, throttleRatio: 2.4 } });
  expect(throttled.layerMs[3]).toBeCloseTo(usual.layerMs[3]! * 1.5 * 2.25, 9);
  const noisy = slow({ device: { ...HEALTHY, throttleRatio: 1.4 } });
  expect(noisy.layerMs).toEqual(usual.layerMs);
});

test.each([
  // Four steps in flight hide the readback, or a part of it; steps of more than 20 ms run one at a time.
  { readbackMs: 1.9, msPerToken: (computeMs: number) => computeMs },
  { readbackMs: 15, msPerToken: (computeMs: number) => (computeMs + 15) / 4 },
  { readbackMs: 30, msPerToken: (computeMs: number) => computeMs + 30 },
])(
  "a GPU with all layers and readbacks of $readbackMs ms runs ahead",
  ({ readbackMs, msPerToken }) => {
    const gpu = member("desktop", 2e9, 2e9);
    const facts = room({ desktop: { measurements: { ...gpu.measurements!, readbackMs } } });
    const alone = { ...facts, members: [{ ...facts.members[0]!, device: gpu.device }] };
    const { problem } = roomProblem(alone, MODEL);
    const [desktop] = problem.members;
    const computeMs =
      desktop!.layerMs.reduce((sum, ms) => sum + ms) + desktop!.headMs + desktop!.embedMs;
    expect(computeMs).toBeCloseTo(2.94, 1);
    const answer = solve(problem, { deadlineMs: Infinity, now: () => 0 });
    expect(answer).toMatchObject({
      kind: "optimal",
      costMs: expect.closeTo(msPerToken(computeMs), 3) as number,
      bottleneckMs: expect.closeTo(msPerToken(computeMs), 6) as number,
    });
  },
);

test("members without an adapter or measurements are not in the problem", () => {
  const facts = room({ phone: { adapter: null }, laptop: { measurements: null } });
  expect(roomProblem(facts, MODEL).problem.members.map(({ id }) => id)).toEqual(["desktop"]);
  expect(roomProblem(facts, MODEL).problem.links).toEqual([]);
});

test("layers that are loaded for the same model count as held", () => {
  const shard = {
    placement: 1,
    first: 0,
    end: 12,
    status: "ready" as const,
    phase: "ready" as const,
    loadedBytes: 1,
    totalBytes: 1,
    error: null,
    kernels: null,
  };
  const facts = room({ desktop: { shard } });
  expect(roomProblem(facts, MODEL).problem.members[0]?.held).toBeUndefined();
  const placed = { ...facts, placement: { model: MODEL, stages: [] } };
  expect(roomProblem(placed, MODEL).problem.members[0]?.held).toEqual({ first: 0, end: 12 });
});

test("a cache holds no more than the model's own context, whatever the room asks for", () => {
  const facts = room();
  const settings = { contextTokens: 1_000_000, generationSlots: 2 };
  const { problem } = roomProblem({ ...facts, settings }, MODEL);
  expect(problem.model.layers[0]?.kvBytes).toBe(2048 * MODEL.contextTokens * 2);
});
