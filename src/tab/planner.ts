/**
 * The solver in its worker. A worker that dies is started anew, once for each
 * question: until it answers, the caller's watchdog has the greedy rule.
 */
import type { Planner } from "../cluster/index.ts";
import type { PlacementService } from "../placement/index.ts";
import { workerClient, type WorkerClient } from "./worker-client.ts";

/** `onWarning` is told, in words, when the solver's thread failed. */
export function openPlanner(onWarning: (message: string) => void): Planner & { end(): void } {
  let client = startWorker();
  let ended = false;

  /** Asks the worker; when it is dead, it is replaced for the next question. */
  async function asked<T>(ask: (worker: WorkerClient<PlacementService>) => Promise<T>): Promise<T> {
    const worker = client;
    try {
      return await ask(worker);
    } catch (error) {
      if (client === worker && !ended) {
        worker.end();
        client = startWorker();
        onWarning(`The placement solver was started again: ${String(error)}`);
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

/** It warms itself up when it starts: see workers/placement.worker.ts. */
function startWorker(): WorkerClient<PlacementService> {
  return workerClient<PlacementService>(
    new Worker(new URL("../../workers/placement.worker.ts", import.meta.url), { type: "module" }),
    "placement",
  );
}
