/** Repeats what needs the bytes of a model while they cannot be had: a server may restart. */
import {
  type Clock,
  type Failure,
  failureOf,
  isUnreachableSource,
  sleep,
} from "../../shared/index.ts";

/** How many attempts follow the first. */
const MAX_RETRIES = 30;

/** Null once the result is no longer wanted. Rejects as `act` does for other reasons, and for the last attempt. */
export async function retrySource<T>(
  act: () => Promise<T>,
  options: {
    readonly clock: Clock;
    /** Between two attempts. */
    readonly retryMs: number;
    readonly isWanted: () => boolean;
    /** Called before each pause. */
    readonly onWait?: (reason: Failure) => void;
  },
): Promise<T | null> {
  for (let retries = 0; options.isWanted(); retries++) {
    try {
      return await act();
    } catch (error) {
      const reason = failureOf(error);
      if (retries === MAX_RETRIES || !isUnreachableSource(reason)) throw error;
      options.onWait?.(reason);
      await sleep(options.clock, options.retryMs);
    }
  }
  return null;
}
