/** Why a call to a worker of this tab failed. */
import { z } from "zod";
import { Detail, failure } from "./failure-schema.ts";

export const WorkerName = z.enum(["GPU", "model", "placement", "probe", "chat template"]);
export type WorkerName = z.infer<typeof WorkerName>;

export const WorkerFailure = z.discriminatedUnion("reason", [
  /** `detail` is empty if its script could not be loaded. */
  failure("worker_failed", { worker: WorkerName, detail: Detail }),
  /** It did not answer for `afterMs`. */
  failure("worker_silent", { worker: WorkerName, afterMs: z.number() }),
  failure("worker_unreadable", { worker: WorkerName }),
  failure("worker_ended", { worker: WorkerName }),
]);
export type WorkerFailure = z.infer<typeof WorkerFailure>;
