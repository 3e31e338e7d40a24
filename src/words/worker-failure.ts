/** Why a call to a worker of this tab failed. */
import type { WorkerFailure } from "../shared/index.ts";
import { time } from "./quantities.ts";
import { namelessDescriber, type Sentences } from "./sentences.ts";

export const workerFailures: Sentences<WorkerFailure> = {
  worker_failed: ({ worker, detail }) =>
    `The ${worker} worker failed: ${detail || "its script could not be loaded"}. Reload the page.`,
  worker_silent: ({ worker, afterMs }) =>
    `The ${worker} worker did not answer for ${time(afterMs)}.`,
  worker_unreadable: ({ worker }) =>
    `The ${worker} worker sent data that this browser cannot read. Reload the page.`,
  worker_ended: ({ worker }) => `The ${worker} worker was terminated.`,
};

export const describeWorkerFailure = namelessDescriber(workerFailures);
