/**
 * The first message on a connection, from both sides: which protocol a tab
 * speaks and who it is. Tabs of different versions part with a named reason.
 */
import { z } from "zod";
import { MemberId } from "../shared/ids.ts";

export const Hello = z.strictObject({
  type: z.literal("hello"),
  protocol: z.int().min(0).max(0xffff),
  member: MemberId,
});
export type Hello = z.infer<typeof Hello>;

export type HandshakeResult =
  | { readonly kind: "welcome" }
  /** In words, for the person at this tab. */
  | { readonly kind: "refused"; readonly reason: string };

/** Judges the peer's first message; a later version may add fields, so the version is read first. */
export function judgeHello(message: unknown, ours: number, peer: MemberId): HandshakeResult {
  const version = z.object({ type: z.literal("hello"), protocol: z.int() }).safeParse(message);
  if (!version.success) return refused(`${peer} did not introduce itself as a tab of Tabmesh.`);
  const theirs = version.data.protocol;
  if (theirs !== ours) return refused(versionMismatch(ours, theirs));
  const hello = Hello.safeParse(message);
  if (!hello.success || hello.data.member !== peer)
    return refused(`${peer} introduced itself by another name.`);
  return { kind: "welcome" };
}

export function versionMismatch(ours: number, theirs: number): string {
  const whatToDo =
    ours < theirs
      ? "reload this page to get the newer version"
      : "reload the other tabs to get the newer version";
  return `This tab speaks protocol ${ours}, the room speaks ${theirs}: ${whatToDo}.`;
}

function refused(reason: string): HandshakeResult {
  return { kind: "refused", reason };
}
