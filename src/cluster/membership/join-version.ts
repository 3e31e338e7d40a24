/**
 * Why a message of the join cannot be understood. Its version is read before its other fields,
 * which another version may have added, changed, or removed.
 */
import { z } from "zod";
import type { JoinRefusal, MemberId } from "../../shared/index.ts";
import { CLUSTER_VERSION } from "./messages.ts";

const Versioned = z.object({
  type: z.enum(["join", "welcome", "refused"]),
  version: z.int().nullable().catch(null),
});

/** What is wrong with a message that `ClusterMessage` does not parse; null if it is not of the join. */
export function notUnderstood(
  peer: MemberId,
  raw: unknown,
): { readonly type: "join" | "welcome" | "refused"; readonly refusal: JoinRefusal } | null {
  const message = Versioned.safeParse(raw).data;
  if (message === undefined) return null;
  const { type, version } = message;
  if (version === null || version === CLUSTER_VERSION) {
    return { type, refusal: { reason: "invalid_join_message", peer } };
  }
  const [roomVersion, tabVersion] =
    type === "join" ? [CLUSTER_VERSION, version] : [version, CLUSTER_VERSION];
  return { type, refusal: { reason: "other_version", roomVersion, tabVersion } };
}
