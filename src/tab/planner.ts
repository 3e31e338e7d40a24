/**
 * The solver in its worker. A worker that dies is replaced, once per request; until the
 * new one answers, the caller's watchdog falls back to the greedy rules.
 */
import type { Planner } from "../cluster/index.ts";
import type { PlacementService } from "../placement/index.ts";
import { failureOf, type TabWarning } from "../shared/index.ts";
import { workerClient, type WorkerClient } from "./worker-client.ts";

export function openPlanner(
  onWarning: (warning: TabWarning) => void,
  startWorker = startPlacementWorker,
): Planner & { end(): void } {
  let client = startWorker();
  let ended = false;

  /** Asks the worker; if it is dead, the next request gets a new one. */
  async function asked<T>(ask: (worker: WorkerClient<PlacementService>) => Promise<T>): Promise<T> {
    const worker = client;
    try {
      return await ask(worker);
    } catch (error) {
      if (client === worker && !ended) {
        worker.end();
        client = startWorker();
        onWarning({ kind: "solver_restarted", cause: failureOf(error) });
      }
      throw error;
    }
  }

  return {
    solve: (problem, options) => asked(async ({ remote }) => await remote.solve(problem, options)),
    explained: (problem, options) =>
      asked(async ({ remote }) => await remote.explained(problem, options)),
    front: (problem, options) => asked(async ({ remote }) => await remote.front(problem, options)),
    end: () => {
      ended = true;
      client.end();
    },
  };
}

/** The worker warms up by itself: see workers/placement.worker.ts. */
function startPlacementWorker(): WorkerClient<PlacementService> {
  return workerClient<PlacementService>(
    new Worker(new URL("../../workers/placement.worker.ts", import.meta.url), { type: "module" }),
    "placement",
  );
}
