/**
 * Commands of the page to its own member. The ui acts in no other way; the result
 * appears in the room's state or in the `PageView`.
 */
import type { Admits, MemberId, ModelSource, Settings, Stage } from "../shared/index.ts";

export type PageCommand =
  | CommandInRoom
  | { readonly type: "open_room" }
  /** `invitation`: a room's code or its link. */
  | { readonly type: "join_room"; readonly invitation: string; readonly observe: boolean }
  | { readonly type: "leave_room" }
  | { readonly type: "measure_again" }
  | { readonly type: "dismiss_notice" }
  /** Stores the room's log as a file. */
  | { readonly type: "save_log" }
  /** Shows a saved log from its beginning. */
  | { readonly type: "open_log"; readonly file: File }
  /** In a log that was opened: shows the room after its first `position` events. */
  | { readonly type: "show_log_at"; readonly position: number }
  | { readonly type: "close_log" };

/** Commands that need a room. */
export type CommandInRoom =
  | { readonly type: "rename_member"; readonly name: string }
  | { readonly type: "place_model"; readonly source: ModelSource }
  /** Places a GGUF file of this machine, from which the room reads it. */
  | { readonly type: "place_file"; readonly file: File }
  | { readonly type: "place_stages"; readonly model: string; readonly stages: Stage[] }
  /** A boundary is being moved: `PageView.placementPreview` gets the draft's cost. null ends the draft. */
  | {
      readonly type: "draft_stages";
      readonly model: string;
      readonly stages: readonly Stage[] | null;
    }
  | {
      readonly type: "choose_member";
      readonly member: MemberId;
      readonly use: "auto" | "pin" | "exclude";
    }
  | { readonly type: "remove_member"; readonly member: MemberId }
  | { readonly type: "change_settings"; readonly settings: Settings }
  | { readonly type: "change_admission"; readonly admits: Admits }
  | { readonly type: "send_message"; readonly text: string }
  | { readonly type: "stop_answer" }
  | { readonly type: "clear_chat" }
  /** A person opened or closed the comparison of placements: they are computed only while it is shown. */
  | { readonly type: "show_preview"; readonly shown: boolean }
  | { readonly type: "clear_model_cache" };
