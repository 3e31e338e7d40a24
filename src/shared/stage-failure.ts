/** Why a stage cannot hold its layers or an answer ends early. Raised by `stage`, rendered by `words`. */
import { z } from "zod";
import { Cause } from "./cause.ts";
import { failure } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";

const Sender = { stage: z.int().min(0), member: MemberId };

export const StageFailure = z.discriminatedUnion("reason", [
  /** The connection to a stage of the pipeline broke. */
  failure("stage_lost", { member: MemberId, cause: Cause }),
  failure("first_stage_unreachable", { member: MemberId, cause: Cause }),
  failure("placement_changed", {}),
  failure("layers_unloaded", {}),
  failure("layers_not_loaded", {}),
  failure("load_superseded", {}),
  failure("prompt_empty", {}),
  failure("prompt_too_long", { promptTokens: z.int(), contextTokens: z.int() }),
  failure("no_free_slot", {}),
  failure("prompt_token_unknown", { token: z.int(), vocabulary: z.int() }),
  /** What a stage sent cannot be computed on. `stage` counts from 0; `member` runs it. */
  failure("hidden_state_mismatch", Sender),
  failure("hidden_state_not_finite", Sender),
  failure("logits_not_finite", Sender),
  failure("token_unknown", { ...Sender, token: z.int(), vocabulary: z.int() }),
  failure("position_not_next", { ...Sender, position: z.int(), expected: z.int() }),
  /** `member` refused a frame: another member may send it, by the placement in force. */
  failure("unexpected_sender", {
    member: MemberId,
    frame: z.enum(["prompt", "hidden", "token", "end", "resume"]),
  }),
  /** `member` refused a frame: its sender is not in the room, as far as it knows. */
  failure("sender_not_member", { member: MemberId }),
  /** `member` refused a frame: the room does not run this generation for its requester. */
  failure("generation_not_running", { member: MemberId }),
  /** `member` keeps as many of the sender's early frames as it may. */
  failure("early_frames_exceeded", { member: MemberId, maxBytes: z.int() }),
  failure("step_failed", { cause: Cause }),
  failure("device_lost_in_step", { cause: Cause }),
  /** A step, or a lap through all stages, took longer than a multiple of the ones before. */
  failure("step_late", { afterMs: z.number(), boundMs: z.number() }),
  failure("lap_late", { afterMs: z.number(), boundMs: z.number() }),
  /** Its tab answers, and its stage does not. */
  failure("stage_silent", { member: MemberId }),
  /** It took layers, and does not load them. `waitedMs` is from the placement on. */
  failure("load_stalled", {
    member: MemberId,
    loadedBytes: z.number(),
    totalBytes: z.number(),
    waitedMs: z.number(),
  }),
]);
export type StageFailure = z.infer<typeof StageFailure>;
