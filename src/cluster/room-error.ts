/**
 * An expected failure, in words that a person can act on. The HTTP routes turn
 * the code into a status; the page shows the message.
 */
export const ROOM_ERROR_CODES = [
  /** What was asked makes no sense, whatever the room. */
  "bad_request",
  /** A model, member or room that nobody knows. */
  "not_found",
  /** Nobody computes, or the model cannot be placed now. */
  "unavailable",
  /** The work was under way and failed. */
  "failed",
  /** The asker stopped it. */
  "cancelled",
  /** Another protocol version or another room. */
  "refused",
] as const;
export type RoomErrorCode = (typeof ROOM_ERROR_CODES)[number];

export class RoomError extends Error {
  override readonly name = "RoomError";
  readonly code: RoomErrorCode;
  constructor(code: RoomErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
