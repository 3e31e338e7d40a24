/** Why the bridge refuses or ends a coordinator's socket. Sent as data; `words` renders it. */
import { z } from "zod";
import { failure } from "./failure-schema.ts";
import { MemberId, RoomCode } from "./ids.ts";

export const BridgeRefusal = z.discriminatedUnion("reason", [
  failure("version_mismatch", { server: z.int(), page: z.int() }),
  /** Text that is no message of the bridge, or a message in the wrong order. */
  failure("invalid_message", {}),
  failure("claim_timeout", { timeoutMs: z.int() }),
  /** The room was claimed with another key: by another room of the same code, or by a stranger. */
  failure("wrong_key", { room: RoomCode }),
  failure("invalid_signature", { room: RoomCode }),
  /** A later term of the room has begun; `held` if its coordinator is connected. */
  failure("epoch_passed", {
    room: RoomCode,
    epoch: z.int(),
    last: z.int(),
    by: MemberId,
    held: z.boolean(),
  }),
  failure("epoch_too_high", { room: RoomCode, epoch: z.int(), highest: z.int() }),
  /** The server keeps the keys of no further rooms. */
  failure("too_many_rooms", { maxRooms: z.int() }),
  /** Too many refused claims from one address. */
  failure("rate_limited", { retryAfterS: z.int() }),
  failure("replaced", { room: RoomCode, epoch: z.int(), by: MemberId }),
]);
export type BridgeRefusal = z.infer<typeof BridgeRefusal>;
