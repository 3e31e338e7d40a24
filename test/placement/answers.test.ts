/** Answers, explanations, moves, scores, corrections and the watchdog. */
import { describe, expect, test } from "vitest";
import { generate } from "../../tools/placement/generate.ts";
import { isFound, type FoundAnswer } from "../../src/placement/problem/answer.ts";
import { correct, NO_CORRECTION } from "../../src/placement/problem/cost-corrections.ts";
import { evaluatePlacement } from "../../src/placement/problem/evaluate.ts";
import { moveBoundary } from "../../src/shared/stages.ts";
import { explainShares } from "../../src/placement/explain/explain.ts";
import { decideMove } from "../../src/placement/explain/move-decision.ts";
import { Problem } from "../../src/placement/problem/problem.ts";
import { scoresOf } from "../../src/placement/explain/scores.ts";
import { placeGreedy } from "../../src/placement/solver/greedy.ts";
import { placementService } from "../../src/placement/solver/service.ts";
import { solve } from "../../src/placement/solver/solve.ts";
import { solveWithWatchdog } from "../../src/placement/solver/watchdog.ts";
import { MemberId } from "../../src/shared/ids.ts";
import { DEFAULT_PLACEMENT_RULES } from "../../src/shared/placement-rules.ts";
import { HEALTHY, links, member } from "./room.ts";
import { THREE } from "./three.ts";

const NO_LIMIT = { deadlineMs: Infinity, now: () => 0 };

/** A stage with the layers `[first, end)`. */
const stage = (member: string, first: number, end: number) => ({
  member: MemberId.parse(member),
  first,
  end,
});

function found(answer: ReturnType<typeof solve>): FoundAnswer {
  if (!isFound(answer)) throw new Error(`expected a placement, got ${answer.kind}`);
  return answer;
}

describe("a room of three, by hand", () => {
  test("latency: far alone, 1 + 16 + 2, beats fast and near with three hops of a millisecond", () => {
    // near + fast: 2 stages, 4 x 1 + 4 x 3 layers, head 1, hops 1 + 1 and 1 back = 22.
    const answer = found(solve(THREE, NO_LIMIT));
    expect(answer).toMatchObject({
      kind: "optimal",
      costMs: 19,
      parts: { computeMs: 18, stageMs: 1, hopMs: 0 },
      stages: [{ member: "far", first: 0, end: 8 }],
    });
  });
  test("a member with all layers costs its aloneMs, and the speed limit counts that", () => {
    // far alone: 16 of layers, 2 of head, and 0.25 instead of 1.
    const members = THREE.members.map((each) =>
      each.id === "far" ? { ...each, aloneMs: 0.25 } : each,
    );
    const problem = { ...THREE, members, maxCostMs: 18.5 };
    expect(solve(problem, NO_LIMIT)).toMatchObject({
      kind: "optimal",
      costMs: 18.25,
      bottleneckMs: 18.25,
      parts: { computeMs: 18, stageMs: 0.25, hopMs: 0 },
    });
    expect(solve({ ...THREE, maxCostMs: 18.5 }, NO_LIMIT)).toMatchObject({ binds: "speed" });
    const stages = [stage("near", 0, 4), stage("far", 4, 8)];
    expect(evaluatePlacement(problem, stages).parts.stageMs).toBe(2);
  });
  test("throughput: the slowest stage counts, and distance only in bytes", () => {
    // fast with 4 layers and the head: 6 or 5 ms; the other 4 on far: 9 ms, split further below.
    const answer = found(solve({ ...THREE, objective: "throughput" }, NO_LIMIT));
    const { bottleneckMs } = evaluatePlacement(THREE, answer.stages);
    expect(answer.costMs).toBe(bottleneckMs);
    expect(answer.costMs).toBeLessThan(9);
  });
  test("the Pareto front goes from the lowest latency to the lowest bottleneck", () => {
    const { front } = placementService(() => 0).explained(THREE, { deadlineMs: 1e9 });
    const { points, isComplete } = front!;
    expect(isComplete).toBe(true);
    expect(points[0]?.latencyMs).toBe(19);
    for (let i = 1; i < points.length; i++) {
      expect(points[i]!.latencyMs).toBeGreaterThan(points[i - 1]!.latencyMs - 1e-9);
      expect(points[i]!.bottleneckMs).toBeLessThan(points[i - 1]!.bottleneckMs);
    }
    const least = found(solve({ ...THREE, objective: "throughput" }, NO_LIMIT)).costMs;
    expect(points.at(-1)?.bottleneckMs).toBeCloseTo(least, 9);
  });
  test("parts, what limits shares, the cost of including each other member, and runners-up", () => {
    const { answer, explanation } = placementService(() => 0).explained(THREE, { deadlineMs: 1e9 });
    expect(found(answer).parts).toEqual({ computeMs: 18, stageMs: 1, hopMs: 0 });
    expect(explainShares(THREE, found(answer).stages)).toMatchObject([
      { member: "far", binds: "all_layers" },
    ]);
    const leftOut = new Map(explanation?.leftOut.map((each) => [String(each.member), each]));
    for (const id of ["fast", "near"]) {
      const members = THREE.members.map((each) =>
        each.id === id ? { ...each, pinned: true as const } : each,
      );
      const { costMs } = found(solve({ ...THREE, members }, NO_LIMIT));
      expect(leftOut.get(id)).toEqual({
        kind: "costs_more",
        member: id,
        costMs: expect.closeTo(costMs, 9) as number,
        extraMs: expect.closeTo(costMs - 19, 9) as number,
        isProven: true,
      });
    }
    expect(explanation?.runnersUp.length).toBeGreaterThan(0);
    for (const { stages, costMs } of explanation?.runnersUp ?? []) {
      expect(costMs).toBeGreaterThanOrEqual(19);
      expect(evaluatePlacement(THREE, stages).violations).toEqual([]);
    }
  });
  test("a placement that a better one displaced is a runner-up", () => {
    const problem = generate("adversarial", 5, 11);
    const { answer, explanation } = placementService(() => 0).explained(problem, NO_LIMIT);
    const greedy = found(placeGreedy(problem));
    const order = ({ stages }: Pick<FoundAnswer, "stages">) => stages.map(({ member }) => member);
    expect(order(found(answer))).not.toEqual(order(greedy));
    expect(explanation?.runnersUp[0]?.costMs).toBeLessThanOrEqual(greedy.costMs);
  });
  test("a moved boundary shows its cost and its violations", () => {
    const stages = [stage("fast", 0, 4), stage("near", 4, 8)];
    expect(evaluatePlacement(THREE, stages)).toMatchObject({ costMs: 24, violations: [] });
    const less = moveBoundary(stages, 0, 3);
    expect(evaluatePlacement(THREE, less).costMs).toBe(26);
    const more = evaluatePlacement(THREE, moveBoundary(stages, 0, 5));
    expect(more.violations).toMatchObject([{ kind: "memory", member: "fast", shortBytes: 100 }]);
    expect(moveBoundary(stages, 0, 8)).toEqual(moveBoundary(stages, 0, 7));
  });
  test("a full member's share is bound by memory", () => {
    const problem = { ...THREE, members: THREE.members.filter(({ id }) => id !== "far") };
    const { stages } = found(solve(problem, NO_LIMIT));
    const share = explainShares(problem, stages).find((each) => each.member === "fast");
    expect(share).toMatchObject({ binds: "memory" });
  });
});

describe("infeasible", () => {
  test("memory: missing bytes and remedies", () => {
    const members = THREE.members.map((each) => ({ ...each, memoryBytes: 250 }));
    const answer = solve({ ...THREE, members }, NO_LIMIT);
    expect(answer).toMatchObject({ kind: "infeasible", binds: "memory", shortBytes: 150 });
    // Two layers of 100 bytes are the smallest addition that covers 150 bytes.
    if (answer.kind === "infeasible")
      expect(answer.remedies[0]).toEqual({ kind: "add_member", freeBytes: 200 });
  });
  test("excluded members are a remedy if including them makes the model fit", () => {
    const members = THREE.members.map((each, index) => ({ ...each, excluded: index > 0 }));
    const answer = solve({ ...THREE, members }, NO_LIMIT);
    expect(answer.kind).toBe("infeasible");
    if (answer.kind === "infeasible")
      expect(answer.remedies).toContainEqual({ kind: "include", members: ["near", "far"] });
  });
});

describe("moving", () => {
  const options = { gainShare: 0.05, horizonTokens: 100, loadBytesPerMs: 10 };
  const running = [stage("fast", 0, 4), stage("near", 4, 8)];
  const proposed = found(solve(THREE, NO_LIMIT));
  test("moves if the gain repays the loading within the horizon", () => {
    // 24 ms become 19 ms; far loads 800 bytes in 80 ms: repaid after 16 tokens.
    const decision = decideMove(THREE, running, proposed, options);
    expect(decision).toMatchObject({
      move: true,
      gainMs: 5,
      bytesToLoad: 800,
      repaidAfterTokens: 16,
      reason: { kind: "gain_repays_load", gainMs: 5, currentMs: 24 },
    });
  });
  test("stays otherwise, with the reason", () => {
    expect(decideMove(THREE, running, proposed, { ...options, horizonTokens: 15 })).toMatchObject({
      move: false,
      reason: { kind: "load_not_repaid", repaidAfterTokens: 16, horizonTokens: 15 },
    });
    expect(decideMove(THREE, running, proposed, { ...options, gainShare: 0.3 })).toMatchObject({
      move: false,
      reason: { kind: "gain_below_threshold", minGainFraction: 0.3 },
    });
    expect(decideMove(THREE, proposed.stages, proposed, options)).toMatchObject({
      move: false,
      reason: { kind: "already_best" },
    });
  });
  test("always moves if the current placement violates a constraint", () => {
    const members = THREE.members.map((each) => ({ ...each, excluded: each.id === "fast" }));
    const decision = decideMove({ ...THREE, members }, running, proposed, {
      ...options,
      gainShare: 0.9,
    });
    expect(decision.move).toBe(true);
    expect(decision.reason).toEqual({
      kind: "violates",
      violation: { kind: "excluded", member: "fast" },
    });
  });
  test("at equal cost, layers stay where they are", () => {
    const id = MemberId.parse("twin");
    const twin = { ...THREE.members[2]!, id, held: { first: 0, end: 8 } };
    const link = (from: string, to: string) => ({ from, to, latencyMs: 10, bytesPerMs: 1000 });
    const problem = Problem.parse({
      ...THREE,
      members: [...THREE.members, twin],
      links: [
        ...THREE.links,
        ...["fast", "near", "far"].flatMap((id) => [link(id, "twin"), link("twin", id)]),
      ],
      loadMsPerByte: 1e-6,
    });
    expect(found(solve(problem, NO_LIMIT)).stages).toEqual([stage("twin", 0, 8)]);
  });
});

test("scores weight compute 0.40, memory 0.30, network 0.15, thermal 0.10, bandwidth 0.05", () => {
  const members = [
    member("best", 100, 1000),
    member("hot", 100, 1000, { throttleRatio: 2, pressure: "serious" }),
    member("small", 100, 500),
  ];
  const scores = scoresOf(members, links(["best", "hot", "small"]));
  expect(scores.map((score) => score.member)).toEqual(["best", "small", "hot"]);
  expect(scores[0]?.total).toBeCloseTo(1, 9);
  expect(scores[1]?.total).toBeCloseTo(1 - 0.3 / 2, 9);
  expect(scores[2]?.total).toBeCloseTo(1 - 0.4 / 2 - 0.1 * 0.75, 9);
  const onlyMemory = {
    ...DEFAULT_PLACEMENT_RULES,
    scores: { compute: 0, memory: 2, network: 0, thermal: 0, bandwidth: 0 },
  };
  expect(scoresOf(members, [], onlyMemory).at(-1)).toMatchObject({ member: "small", total: 0.5 });
  expect(HEALTHY.throttleRatio).toBe(1);
  const discharging = { batteryLevel: 0.1, batteryCharging: false };
  const low = [member("full", 100, 1000), member("low", 100, 1000, discharging)];
  expect(scoresOf(low, [])[1]).toMatchObject({ member: "low", thermal: 0.7 });
});

test("corrections follow the median of laps; noise changes nothing", () => {
  let correction = NO_CORRECTION;
  for (let lap = 0; lap < 20; lap++)
    correction = correct(correction, 10, lap % 5 === 0 ? 300 : 10.5);
  expect(correction.ratio).toBe(1);
  for (let lap = 0; lap < 20; lap++) correction = correct(correction, 10, 20);
  expect(correction.ratio).toBeCloseTo(2, 9);
  expect(correct(correction, 0, 5)).toBe(correction);
});

describe("the watchdog", () => {
  const problem = generate("home", 6, 1);
  const options = { deadlineMs: 100, watchdogMs: 30 };
  test("passes on the solver's answer", async () => {
    const answer = solve(problem, NO_LIMIT);
    const guarded = await solveWithWatchdog(problem, () => Promise.resolve(answer), options);
    expect(guarded).toEqual({ answer, failure: null });
  });
  test.each([
    ["hangs", () => new Promise<never>(() => {}), { kind: "timeout", afterMs: 30 }],
    [
      "rejects",
      () => Promise.reject(new Error("the worker died")),
      { kind: "error", message: "the worker died" },
    ],
  ])("falls back to greedy when the solver %s", async (_what, remote, failure) => {
    const guarded = await solveWithWatchdog(problem, remote, options);
    expect(guarded.failure).toEqual(failure);
    expect(isFound(guarded.answer)).toBe(true);
  });
});
