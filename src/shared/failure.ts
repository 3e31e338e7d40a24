/**
 * Failures as data: what travels in events, frames, and HTTP responses, and what
 * errors carry. `words` renders them.
 */
import { z } from "zod";
import { Cause } from "./cause.ts";
import { detailOf, errorMessage } from "./error-message.ts";
import { MeshFailure } from "./mesh-failure.ts";
import { ModelFailure } from "./model-failure.ts";
import { StageFailure } from "./stage-failure.ts";

export const Failure = z.discriminatedUnion("reason", [Cause, StageFailure]);
export type Failure = z.infer<typeof Failure>;

/**
 * An error whose cause is data. Threads keep nothing of an error but its name, message, and stack,
 * so the message is the failure as JSON, and `failureOf` reads it on the other side.
 */
export class FailureError<Data extends Failure = Failure> extends Error {
  readonly failure: Data;

  constructor(failure: Data, options?: ErrorOptions) {
    super(JSON.stringify(failure), options);
    this.failure = failure;
  }
}

/** The data of anything that was thrown, in this thread or in another. */
export function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return (error as FailureError).failure;
  try {
    return Failure.parse(JSON.parse(errorMessage(error)));
  } catch {
    return unexpected(error); // not one of ours
  }
}

/** The same, where a failure of a stage cannot occur or would say nothing more. */
export function causeOf(error: unknown): Cause {
  const cause = Cause.safeParse(failureOf(error));
  return cause.success ? cause.data : unexpected(error);
}

/** A link or a stage failed, and what was computed is right. */
const RETRIED: ReadonlySet<string> = new Set<Failure["reason"]>([
  "stage_lost",
  "first_stage_unreachable",
  "placement_changed",
  "generation_not_running",
  "no_such_peer",
  "connect_timeout",
  "signaling_lost",
  "not_connected",
  "send_failed",
  "step_failed",
  "step_late",
  "lap_late",
  "device_lost_in_step",
  "layers_unloaded",
  "layers_not_loaded",
  "worker_failed",
  "worker_silent",
  "worker_ended",
]);

/** Whether another attempt at an answer may follow: members report what failed, and the room repairs it. */
export function isRetried({ reason }: { readonly reason: string }): boolean {
  return RETRIED.has(reason);
}

const UNREACHABLE: ReadonlySet<Failure["reason"]> = new Set([
  "url_unreachable",
  "http_status",
  "peer_read_timeout",
  "peer_read_failed",
  "peer_read_interrupted",
  "range_not_held",
]);

/** Whether bytes could not be had just now; asked for again, they may come. */
export function isUnreachableSource({ reason }: Failure): boolean {
  return UNREACHABLE.has(reason);
}

/** Whether bytes could not be had, which says nothing about the member that wanted them. */
export function isOfSource(failure: Failure): boolean {
  return MeshFailure.safeParse(failure).success || ModelFailure.safeParse(failure).success;
}

function unexpected(error: unknown): Cause {
  return { reason: "unexpected", detail: detailOf(error) };
}
