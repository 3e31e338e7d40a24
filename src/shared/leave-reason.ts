/** Why a member is no longer in the room. */
import { z } from "zod";
import { failure } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";
import { CloseFailure } from "./mesh-failure.ts";

export const LeaveReason = z.discriminatedUnion("reason", [
  failure("left", {}),
  failure("connection_closed", { cause: CloseFailure }),
  /** It coordinated the room, and its connection ended. */
  failure("coordinator_replaced", { coordinator: MemberId }),
  failure("did_not_rejoin", {}),
  failure("removed", { by: MemberId }),
]);
export type LeaveReason = z.infer<typeof LeaveReason>;
