/** The solver's worker is replaced when it dies. */
import { expect, test } from "vitest";
import { placementService } from "../../src/placement/index.ts";
import type { TabWarning } from "../../src/shared/index.ts";
import { openPlanner } from "../../src/tab/planner.ts";
import { problemOf } from "../../src/cluster/planning/room-problem.ts";
import { placement, sampleState } from "../../tools/room/sample-events.ts";
import { asWorker, FakeWorker } from "./fake-worker.ts";

const { problem } = problemOf(sampleState(), placement.model);
const options = { deadlineMs: 1000 };

function open(services: readonly object[]) {
  const workers: FakeWorker[] = [];
  const warnings: TabWarning[] = [];
  const planner = openPlanner(
    (warning) => warnings.push(warning),
    () => {
      const worker = new FakeWorker(services[workers.length] ?? {});
      workers.push(worker);
      return asWorker(worker);
    },
  );
  return { planner, workers, warnings };
}

const works = placementService(() => performance.now());
const hangs = { solve: () => new Promise<never>(() => undefined) };

test("a request is answered by the worker's solver", async () => {
  const { planner, warnings } = open([works]);
  expect(await planner.remote.solve(problem, options)).toMatchObject({ kind: "optimal" });
  expect(warnings).toEqual([]);
  planner.end();
});

test("a worker that dies rejects the request and is replaced for the next one", async () => {
  const { planner, workers, warnings } = open([hangs, works]);
  const lost = planner.remote.solve(problem, options);
  workers[0]!.fail("out of memory");
  await expect(lost).rejects.toMatchObject({ failure: { reason: "worker_failed" } });
  expect(warnings).toMatchObject([{ kind: "solver_restarted", cause: { worker: "placement" } }]);
  expect(await planner.remote.solve(problem, options)).toMatchObject({ kind: "optimal" });
  expect(workers.map(({ terminated }) => terminated)).toEqual([true, false]);
  planner.end();
});

test("two requests that are lost together replace the worker once", async () => {
  const { planner, workers } = open([hangs, works]);
  const lost = [planner.remote.solve(problem, options), planner.remote.solve(problem, options)];
  workers[0]!.fail("out of memory");
  await Promise.allSettled(lost);
  await planner.remote.solve(problem, options);
  expect(workers).toHaveLength(2);
  planner.end();
});

test("once ended, a lost request starts no worker", async () => {
  const { planner, workers, warnings } = open([hangs]);
  const lost = planner.remote.solve(problem, options);
  planner.end();
  await expect(lost).rejects.toMatchObject({ failure: { reason: "worker_ended" } });
  expect(workers).toHaveLength(1);
  expect(warnings).toEqual([]);
});
