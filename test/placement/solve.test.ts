/** The solver against brute force. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bruteForce } from "../../tools/placement/brute-force.ts";
import { referee } from "../../tools/placement/check.ts";
import { isFound } from "../../src/placement/problem/answer.ts";
import { placeGreedy } from "../../src/placement/solver/greedy.ts";
import { Problem } from "../../src/placement/problem/problem.ts";
import { solve } from "../../src/placement/solver/solve.ts";
import { smallProblem } from "./small-problems.ts";

const NO_LIMIT = { deadlineMs: Infinity, now: () => 0 };
const RUNS = Number(process.env["PLACEMENT_RUNS"] ?? 400);

describe("against brute force", () => {
  test("the answer is optimal or infeasible exactly when brute force says so", () => {
    fc.assert(
      fc.property(smallProblem(), (problem) => {
        expect(() => Problem.parse(problem)).not.toThrow();
        const truth: number | null = bruteForce(problem);
        const answer = solve(problem, NO_LIMIT);
        expect(answer.kind).toBe(truth === null ? "infeasible" : "optimal");
        if (!isFound(answer)) return;
        const { broken, costMs } = referee(problem, answer.stages);
        expect(broken).toEqual([]);
        expect(costMs).toBeCloseTo(answer.costMs, 6);
        expect(answer.costMs).toBeCloseTo(truth ?? NaN, 6);
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  test("five members", () => {
    fc.assert(
      fc.property(smallProblem({ members: 5, layers: 6 }), (problem) => {
        const truth: number | null = bruteForce(problem);
        const answer = solve(problem, NO_LIMIT);
        expect(isFound(answer)).toBe(truth !== null);
        if (isFound(answer)) expect(answer.costMs).toBeCloseTo(truth ?? NaN, 6);
      }),
      { numRuns: RUNS / 4 },
    );
  }, 120_000);

  test("greedy violates nothing, costs at least the optimum, and is infeasible only if proven", () => {
    fc.assert(
      fc.property(smallProblem(), (problem) => {
        const truth: number | null = bruteForce(problem);
        const answer = placeGreedy(problem);
        if (answer.kind === "infeasible") expect(truth).toBeNull();
        if (!isFound(answer)) return;
        expect(referee(problem, answer.stages).broken).toEqual([]);
        expect(answer.costMs).toBeGreaterThanOrEqual((truth ?? Infinity) - 1e-6);
      }),
      { numRuns: RUNS },
    );
  }, 120_000);
});
