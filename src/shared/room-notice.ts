/** What the people in a room are told when it happens, and while it lasts. Stays in the tab; `words` renders it. */
import type { BridgeRefusal } from "./bridge.ts";
import type { Failure } from "./failure.ts";
import type { MemberId, RoomCode } from "./ids.ts";
import type { CloseFailure, LeaveReason } from "./mesh-failure.ts";
import type { ModelNotice } from "./model-failure.ts";
import type { JoinRefusal, PlacementFailure, RoomFailure } from "./room-failure.ts";

export type RoomNotice =
  | { readonly kind: "connected"; readonly room: RoomCode }
  | { readonly kind: "reconnecting" }
  | { readonly kind: "disconnected"; readonly room: RoomCode }
  /** `isSelf`: this tab is the new coordinator. */
  | { readonly kind: "coordinator_changed"; readonly member: MemberId; readonly isSelf: boolean }
  | {
      readonly kind: "member_left";
      readonly member: MemberId;
      readonly reason: LeaveReason;
      /** It held layers of the placed model. */
      readonly heldLayers: boolean;
    }
  /** This tab leaves once other members have its layers. */
  | { readonly kind: "handing_over" }
  /** This tab was removed. */
  | { readonly kind: "removed"; readonly by: MemberId }
  | { readonly kind: "placement_failed"; readonly failure: PlacementFailure }
  /** A tab that wanted to join this room. */
  | { readonly kind: "newcomer_refused"; readonly refusal: JoinRefusal | CloseFailure }
  | { readonly kind: "device_error"; readonly cause: Failure }
  | { readonly kind: "failed"; readonly failure: RoomFailure }
  | { readonly kind: "warning"; readonly warning: TabWarning }
  | { readonly kind: "wrong_room_code"; readonly text: string }
  | { readonly kind: "wrong_room_link" }
  | { readonly kind: "stored_models_deleted" };

/** A failure in a tab's parts that did not stop the work. */
export type TabWarning =
  | { readonly kind: "model"; readonly notice: ModelNotice }
  /** The server does not relay HTTP requests to this coordinator. */
  | { readonly kind: "bridge_refused"; readonly refusal: BridgeRefusal }
  | { readonly kind: "channel_unusable"; readonly peer: MemberId; readonly cause: Failure }
  | { readonly kind: "solver_restarted"; readonly cause: Failure }
  | { readonly kind: "signaling_lost" }
  | { readonly kind: "signaling_restored" };

/** What an answer waits for that lost its stages. */
export type RecoveryProgress =
  /** No coordinator can be reached. */
  | { readonly kind: "reconnecting" }
  | { readonly kind: "placing" }
  /** The model does not fit. `missingBytes` is null if something else than memory is missing. */
  | {
      readonly kind: "waiting_for_member";
      readonly failure: PlacementFailure;
      readonly missingBytes: number | null;
    }
  | { readonly kind: "loading"; readonly loadedBytes: number; readonly totalBytes: number }
  /** Other answers take all slots. */
  | { readonly kind: "queued" }
  /** From the start of the new attempt to its first token. */
  | { readonly kind: "recomputing" };
