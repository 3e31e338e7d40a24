/** The JSON messages of the control channel. `body` belongs to the room's own protocol. */
import { z } from "zod";
import { CloseFailure, MemberId, parseJson, typed } from "../shared/index.ts";

/** Lower-case hexadecimal digits of exactly `bytes` bytes. */
const HexBytes = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

/** The first message, from both sides: a tab's version, its id, and what it can prove. */
export const Hello = typed("hello", {
  protocol: z.int().min(0).max(0xffff),
  member: MemberId,
  /** Never used twice, so that a proof cannot be replayed. */
  nonce: HexBytes(32),
  /** A tab that was given only the code has no secret yet. */
  holds: z.enum(["secret", "code"]),
});
export type Hello = z.infer<typeof Hello>;

export const Control = z.discriminatedUnion("type", [
  Hello,
  /** Both have the secret: an HMAC of the connection. */
  typed("proof", { mac: HexBytes(32) }),
  /** CPace: a share, then a tag. */
  typed("share", { share: HexBytes(32) }),
  typed("confirm", { tag: HexBytes(64) }),
  z.strictObject({ type: z.enum(["welcome", "ping", "pong"]) }),
  /** The sender has replaced its end of the frames channel for the `renewed`-th time. */
  typed("frames", { renewed: z.int().min(1) }),
  typed("bye", { failure: CloseFailure }),
  typed("message", { body: z.unknown() }),
]);
export type Control = z.infer<typeof Control>;

/** A snapshot of a large room's log is below 1 MB. */
export const MAX_CONTROL_BYTES = 8 * 1024 * 1024;
/** Of messages that a peer has not read yet: they are sent without waiting for it. */
export const MAX_UNREAD_CONTROL_BYTES = 2 * MAX_CONTROL_BYTES;
/** The messages of the handshake have a few hundred bytes. */
export const MAX_HANDSHAKE_BYTES = 4 * 1024;

/**
 * The JSON value of a message, `undefined` if it is none. Parsing text takes a multiple of its memory, so
 * a peer that has proved nothing gets little.
 */
export function readControl(bytes: Uint8Array, isProven: boolean): unknown {
  return isProven || bytes.length <= MAX_HANDSHAKE_BYTES ? parseJson(bytes) : undefined;
}
