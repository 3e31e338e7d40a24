/**
 * The solver in its worker. One that dies is replaced for the next request; until then the caller's
 * watchdog falls back to the greedy rules.
 */
import type { PlacementService } from "../placement/index.ts";
import type { TabWarning } from "../shared/index.ts";
import { workerClient, type WorkerClient } from "./worker-client.ts";

export function openPlanner(
  onWarning: (warning: TabWarning) => void,
  startWorker = startPlacementWorker,
): WorkerClient<PlacementService> {
  const client = workerClient<PlacementService>(startWorker, "placement", (cause) => {
    client.restart();
    onWarning({ kind: "solver_restarted", cause });
  });
  client.start();
  return client;
}

/** The worker warms up by itself: see workers/placement.worker.ts. */
function startPlacementWorker(): Worker {
  return new Worker(new URL("../../workers/placement.worker.ts", import.meta.url), {
    type: "module",
  });
}
