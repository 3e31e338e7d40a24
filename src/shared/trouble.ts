/**
 * What a member observes that goes wrong in a pipeline, as it reports it to the coordinator. A report
 * is a fact about its sender; the coordinator alone draws conclusions about others.
 */
import { z } from "zod";
import { Failure } from "./failure.ts";
import { kind } from "./failure-schema.ts";
import { GenerationId, MemberId, PlacementId } from "./ids.ts";
import { CloseFailure } from "./mesh-failure.ts";

export const Trouble = z.discriminatedUnion("kind", [
  /** The frames channel to a neighbor in the pipeline closed, or is silent. */
  kind("link_down", { peer: MemberId, cause: CloseFailure }),
  /** A frame went there and back again. */
  kind("link_restored", { peer: MemberId }),
  /** The sender's layers compute no more: its GPU, or the worker that uses it, failed. */
  kind("shard_failed", { placement: PlacementId, cause: Failure }),
  /** The sender's stage has done its part of a lap, and the next one did not come within `boundMs`. */
  kind("lap_late", {
    placement: PlacementId,
    generation: GenerationId,
    afterMs: z.number(),
    boundMs: z.number(),
  }),
  /** The sender is stage 0, and the requester of this generation has not sent its prompt. */
  kind("prompt_missing", { generation: GenerationId }),
]);
export type Trouble = z.infer<typeof Trouble>;
