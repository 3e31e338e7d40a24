/** What the people in a room are told when it happens. Stays in the tab; `words` renders it. */
import type { Failure } from "./failure.ts";
import type { MemberId, RoomCode } from "./ids.ts";
import type { LeaveReason } from "./leave-reason.ts";
import type { PlacementFailure, RoomFailure } from "./room-failure.ts";

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
  | { readonly kind: "placement_failed"; readonly failure: PlacementFailure }
  | { readonly kind: "device_error"; readonly cause: Failure; readonly lost: boolean }
  | { readonly kind: "failed"; readonly failure: RoomFailure };
