/** Properties of every answer: monotonic, symmetric, repeatable, bounded, in time. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { referee } from "../../tools/placement/check.ts";
import { generate, FAMILIES } from "../../tools/placement/generate.ts";
import { fillByBandwidth, proportionalToMemory } from "../../tools/placement/rules.ts";
import { isFound, type Answer } from "../../src/placement/problem/answer.ts";
import { placeGreedy } from "../../src/placement/solver/greedy.ts";
import type { Problem } from "../../src/placement/problem/problem.ts";
import { solve } from "../../src/placement/solver/solve.ts";
import { MemberId } from "../../src/shared/ids.ts";
import { smallProblem } from "./small-problems.ts";

const NO_LIMIT = { deadlineMs: Infinity, now: () => 0 };
const RUNS = { numRuns: 150 };
const costOf = (answer: Answer) => (isFound(answer) ? answer.costMs : Infinity);
const optimum = (problem: Problem) => costOf(solve(problem, NO_LIMIT));

/** A clock that advances by `stepMs` with each reading: a deadline without noise. */
function countingClock(stepMs: number) {
  let looks = 0;
  return () => (looks += 1) * stepMs;
}

describe("more of a resource never raises the optimum", () => {
  const changed = (
    change: (member: Problem["members"][number]) => Partial<Problem["members"][number]>,
  ) =>
    fc.assert(
      fc.property(smallProblem({ plain: true }), fc.nat(), (problem, which) => {
        const members = problem.members.map((member, index) =>
          index === which % problem.members.length ? { ...member, ...change(member) } : member,
        );
        expect(optimum({ ...problem, members })).toBeLessThanOrEqual(optimum(problem) + 1e-6);
      }),
      RUNS,
    );

  test("memory", () => changed(({ memoryBytes }) => ({ memoryBytes: memoryBytes + 3 })));
  test("speed", () =>
    changed(({ layerMs, prefillLayerMs }) => ({
      layerMs: layerMs.map((ms) => ms / 2),
      prefillLayerMs: (prefillLayerMs ?? layerMs).map((ms) => ms / 2),
    })));
  test("a faster link", () =>
    fc.assert(
      fc.property(smallProblem({ plain: true }), fc.nat(), (problem, which) => {
        const links = problem.links.map((link, index) =>
          index === which % problem.links.length
            ? { ...link, latencyMs: link.latencyMs / 2, bytesPerMs: link.bytesPerMs * 2 }
            : link,
        );
        expect(optimum({ ...problem, links })).toBeLessThanOrEqual(optimum(problem) + 1e-6);
      }),
      RUNS,
    ));
});

test("renaming members changes only names", () => {
  fc.assert(
    fc.property(smallProblem(), (problem) => {
      const renamed = (id: string) => MemberId.parse(`z${99 - Number(id.slice(1))}`);
      const answer = solve(problem, NO_LIMIT);
      const other = solve(
        {
          ...problem,
          members: problem.members.map((member) => ({ ...member, id: renamed(member.id) })),
          links: problem.links.map((link) => ({
            ...link,
            from: renamed(link.from),
            to: renamed(link.to),
          })),
        },
        NO_LIMIT,
      );
      expect(other.kind).toBe(answer.kind);
      if (!isFound(answer) || !isFound(other)) return;
      expect(other.costMs).toBe(answer.costMs);
      expect(other.stages).toEqual(
        answer.stages.map((stage) => ({ ...stage, member: renamed(stage.member) })),
      );
    }),
    RUNS,
  );
});

test("the order in which members are listed does not change the optimum", () => {
  fc.assert(
    fc.property(smallProblem(), (problem) => {
      const turned = { ...problem, members: [...problem.members].reverse() };
      const [one, other] = [optimum(problem), optimum(turned)];
      if (one === Infinity) expect(other).toBe(Infinity);
      else expect(other).toBeCloseTo(one, 6);
    }),
    RUNS,
  );
});

describe.each(FAMILIES)("%s rooms", (family) => {
  test.each([6, 10, 20])("of %i members: bounded, checked, no worse than any rule", (members) => {
    for (let seed = 300; seed < 304; seed++) {
      const problem = generate(family, members, seed);
      const exact = members <= 10 ? solve(problem, NO_LIMIT) : null;
      const answer = solve(problem, { deadlineMs: 100, now: countingClock(0.4) });
      if (exact !== null) expect(["optimal", "infeasible"]).toContain(exact.kind);
      if (!isFound(answer)) {
        if (exact !== null && answer.kind === "infeasible") expect(exact.kind).toBe("infeasible");
        continue;
      }
      const { broken, costMs } = referee(problem, answer.stages);
      expect(broken).toEqual([]);
      expect(costMs).toBeCloseTo(answer.costMs, 6);
      expect(answer.lowerBoundMs).toBeLessThanOrEqual(answer.costMs);
      if (exact !== null) {
        expect(answer.lowerBoundMs).toBeLessThanOrEqual(costOf(exact) + 1e-6);
        expect(answer.costMs).toBeGreaterThanOrEqual(costOf(exact) - 1e-6);
      }
      expect(answer.costMs).toBeLessThanOrEqual(costOf(placeGreedy(problem)) + 1e-9);
      for (const { place } of [proportionalToMemory, fillByBandwidth]) {
        const stages = place(problem);
        const ruleMs = stages === null ? Infinity : referee(problem, stages).costMs;
        expect(answer.costMs).toBeLessThanOrEqual(ruleMs + 1e-6);
      }
    }
  });
});

test("the same input gives the same answer, whatever the clock", () => {
  for (const family of FAMILIES) {
    const problem = generate(family, 9, 7);
    const slow = solve(problem, { deadlineMs: 1e9, now: countingClock(1) });
    const fast = solve(problem, { deadlineMs: 1e9, now: countingClock(0.001) });
    expect({ ...slow, elapsedMs: 0 }).toEqual({ ...fast, elapsedMs: 0 });
  }
});

describe("deadlines", () => {
  test.each([0, -5, 1, 20])(
    "of %i ms: an answer, after few more readings of the clock",
    (deadlineMs) => {
      const problem = generate("sites", 24, 2);
      const now = countingClock(0.25);
      const answer = solve(problem, { deadlineMs, now });
      expect(isFound(answer)).toBe(true);
      expect(answer.elapsedMs).toBeLessThan(Math.max(0, deadlineMs) + 10);
      if (answer.kind === "feasible") expect(answer.deadlineHit).toBe(true);
    },
  );

  test("checks of the clock are never far apart", () => {
    // CPU time of this process, so that other work on the machine does not count.
    const now = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
    let last = now();
    let longest = 0;
    const watched = () => {
      const at = now();
      longest = Math.max(longest, at - last);
      last = at;
      return at;
    };
    const problem = generate("sites", 64, 1);
    solve(problem, { deadlineMs: 150, now: watched });
    last = now();
    longest = 0;
    solve(problem, { deadlineMs: 300, now: watched });
    expect(longest).toBeLessThan(60);
  });
});

test("a room of 1,000 members gets an answer no worse than greedy, with a bound", () => {
  const problem = generate("home", 1000, 1);
  const now = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  // One second is enough for the bound on most machines; on a slow one it was not.
  const answer = solve(problem, { deadlineMs: 4000, now });
  expect(isFound(answer)).toBe(true);
  if (!isFound(answer)) return;
  expect(referee(problem, answer.stages).broken).toEqual([]);
  expect(answer.costMs).toBeLessThanOrEqual(costOf(placeGreedy(problem)));
  expect(answer.lowerBoundMs).toBeGreaterThan(0);
}, 60_000);
