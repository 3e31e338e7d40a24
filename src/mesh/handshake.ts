/**
 * The first message on a connection, from both sides: the protocol version of a
 * tab and its id. Tabs of different versions disconnect.
 */
import { z } from "zod";
import { MemberId, type CloseFailure } from "../shared/index.ts";

export const Hello = z.strictObject({
  type: z.literal("hello"),
  protocol: z.int().min(0).max(0xffff),
  member: MemberId,
});
export type Hello = z.infer<typeof Hello>;

/**
 * Why the peer's first message is refused, or null. A later version may add
 * fields, so the version is read first.
 */
export function refusalOfHello(
  message: unknown,
  ours: number,
  peer: MemberId,
): CloseFailure | null {
  const version = z.object({ type: z.literal("hello"), protocol: z.int() }).safeParse(message);
  if (!version.success) return { reason: "not_tabmesh", peer };
  const theirs = version.data.protocol;
  if (theirs !== ours) return { reason: "version_mismatch", ours, theirs };
  const hello = Hello.safeParse(message);
  if (!hello.success || hello.data.member !== peer) return { reason: "other_identity", peer };
  return null;
}
