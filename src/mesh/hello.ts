/**
 * The first message on a connection, from both sides: the protocol version of a tab, its id, and
 * what it can prove. Tabs of different versions disconnect.
 */
import { z } from "zod";
import { MemberId, type CloseFailure, parseUntrusted, typed } from "../shared/index.ts";

/** Lower-case hexadecimal digits of exactly `bytes` bytes. */
export const HexBytes = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

export const Hello = typed("hello", {
  protocol: z.int().min(0).max(0xffff),
  member: MemberId,
  /** Never used twice, so that a proof cannot be replayed. */
  nonce: HexBytes(32),
  /** A tab that was given only the code has no secret yet. */
  holds: z.enum(["secret", "code"]),
});
export type Hello = z.infer<typeof Hello>;

/** A peer's hello, or why it is refused. A later version may change the fields, so the version is read first. */
export function readHello(message: unknown, ours: number, peer: MemberId): Hello | CloseFailure {
  const version = z.object({ type: z.literal("hello"), protocol: z.int() }).safeParse(message);
  if (!version.success) return { reason: "not_tabmesh", peer };
  const theirs = version.data.protocol;
  if (theirs !== ours) return { reason: "version_mismatch", ours, theirs };
  const hello = parseUntrusted(Hello, message);
  if (!hello.success) return { reason: "not_tabmesh", peer };
  return hello.data.member === peer ? hello.data : { reason: "other_identity", peer };
}
