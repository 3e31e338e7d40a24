/**
 * Commands of the page to its own member. The ui acts in no other way; the result
 * appears in the state or in a `PageView`.
 */
import { z } from "zod";
import { MemberId } from "./ids.ts";
import { ModelSource } from "./model.ts";
import { Admits, Settings, Stage } from "./state.ts";

export const PageCommand = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("open_room") }),
  /** `invitation`: a room's code or its link. */
  z.strictObject({ type: z.literal("join_room"), invitation: z.string(), observe: z.boolean() }),
  z.strictObject({ type: z.literal("leave_room") }),
  z.strictObject({ type: z.literal("rename_member"), name: z.string() }),
  z.strictObject({ type: z.literal("measure_again") }),
  z.strictObject({ type: z.literal("place_model"), source: ModelSource }),
  z.strictObject({ type: z.literal("place_stages"), model: z.string(), stages: z.array(Stage) }),
  z.strictObject({
    type: z.literal("choose_member"),
    member: MemberId,
    use: z.enum(["auto", "pin", "exclude"]),
  }),
  z.strictObject({ type: z.literal("remove_member"), member: MemberId }),
  z.strictObject({ type: z.literal("change_settings"), settings: Settings }),
  z.strictObject({ type: z.literal("change_admission"), admits: Admits }),
  z.strictObject({ type: z.literal("send_message"), text: z.string() }),
  z.strictObject({ type: z.literal("stop_answer") }),
  z.strictObject({ type: z.literal("clear_chat") }),
  /** A person opened or closed a part of the page that compares placements. */
  z.strictObject({
    type: z.literal("show_preview"),
    part: z.enum(["why", "candidates"]),
    shown: z.boolean(),
  }),
  z.strictObject({ type: z.literal("dismiss_notice") }),
  /** Stores the room's log as a file. */
  z.strictObject({ type: z.literal("save_log") }),
  /** In a log that was opened: shows the room after its first `position` events. */
  z.strictObject({ type: z.literal("show_log_at"), position: z.int().min(0) }),
  z.strictObject({ type: z.literal("close_log") }),
  z.strictObject({ type: z.literal("clear_model_cache") }),
]);
export type PageCommand = z.infer<typeof PageCommand>;
