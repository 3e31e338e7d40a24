/** Which refused callers are shown to the people in the room: those that they can help, or stop. */
import type { Transport } from "../../mesh/index.ts";
import type { Clock, CloseFailure } from "../../shared/index.ts";

/** A stranger that tries codes for hours is reported once in this time. */
const GUESSING_NOTICE_MS = 10 * 60_000;

/** Returns a function that ends it. */
export function watchRefusedCallers(
  transport: Transport,
  clock: Clock,
  onRefused: (cause: CloseFailure) => void,
): () => void {
  let noticedMs = -Infinity;
  return transport.events.onRefuse((_peer, cause) => {
    if (cause.reason === "version_mismatch") return onRefused(cause);
    const nowMs = clock.nowMs();
    if (cause.reason !== "too_many_guesses" || nowMs - noticedMs < GUESSING_NOTICE_MS) return;
    noticedMs = nowMs;
    onRefused(cause);
  });
}
