/** The solver in a real worker, behind Comlink, as the page uses it. */
import { wrap } from "comlink";
import { expect, test } from "vitest";
import { generate } from "../../tools/placement/generate.ts";
import { isFound } from "../../src/placement/problem/answer.ts";
import type { PlacementService } from "../../src/placement/solver/service.ts";
import { solve } from "../../src/placement/solver/solve.ts";
import { solveWithWatchdog } from "../../src/placement/solver/watchdog.ts";

test("answers like the module, with an explanation and a Pareto front", async () => {
  const worker = new Worker(new URL("../../workers/placement.worker.ts", import.meta.url), {
    type: "module",
  });
  try {
    const remote = wrap<PlacementService>(worker);
    const problem = generate("home", 6, 1);
    const here = solve(problem, { deadlineMs: 60_000, now: () => performance.now() });
    const { answer, failure } = await solveWithWatchdog(
      problem,
      (posed, options) => remote.solve(posed, options),
      { deadlineMs: 60_000, watchdogMs: 90_000 },
    );
    expect(failure).toBeNull();
    expect({ ...answer, elapsedMs: 0 }).toEqual({ ...here, elapsedMs: 0 });
    expect(isFound(answer)).toBe(true);
    const explained = await remote.explained(problem, { deadlineMs: 10_000 });
    expect(explained.explanation?.runnersUp.length).toBeGreaterThan(0);
    expect(explained.front?.points.length).toBeGreaterThan(0);
  } finally {
    worker.terminate();
  }
});
