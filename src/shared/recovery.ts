/** What an answer waits for that lost its stages. Stays in the requester's tab; `words` renders it. */
import type { PlacementFailure } from "./room-failure.ts";

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
