/**
 * Commands of the page to its own member. The ui acts in no other way; the result
 * appears in the state or in a `PageView`.
 */
import { z } from "zod";
import { typed } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";
import { ModelSource } from "./model.ts";
import { Admits, Settings, Stage } from "./state.ts";

export const PageCommand = z.discriminatedUnion("type", [
  typed("open_room", {}),
  /** `invitation`: a room's code or its link. */
  typed("join_room", { invitation: z.string(), observe: z.boolean() }),
  typed("leave_room", {}),
  typed("rename_member", { name: z.string() }),
  typed("measure_again", {}),
  typed("place_model", { source: ModelSource }),
  typed("place_stages", { model: z.string(), stages: z.array(Stage) }),
  typed("choose_member", { member: MemberId, use: z.enum(["auto", "pin", "exclude"]) }),
  typed("remove_member", { member: MemberId }),
  typed("change_settings", { settings: Settings }),
  typed("change_admission", { admits: Admits }),
  typed("send_message", { text: z.string() }),
  typed("stop_answer", {}),
  typed("clear_chat", {}),
  /** A person opened or closed a part of the page that compares placements. */
  typed("show_preview", { part: z.enum(["why", "candidates"]), shown: z.boolean() }),
  typed("dismiss_notice", {}),
  /** Stores the room's log as a file. */
  typed("save_log", {}),
  /** In a log that was opened: shows the room after its first `position` events. */
  typed("show_log_at", { position: z.int().min(0) }),
  typed("close_log", {}),
  typed("clear_model_cache", {}),
]);
export type PageCommand = z.infer<typeof PageCommand>;
