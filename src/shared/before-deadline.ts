import { FailureError, type Failure } from "./failure.ts";

/** `result`, or a rejection with `late` if it takes longer than `timeoutMs`. The work itself is not ended. */
export async function beforeDeadline<T>(
  result: Promise<T>,
  timeoutMs: number,
  late: Failure,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new FailureError(late)), timeoutMs);
  });
  try {
    return await Promise.race([result, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
