/** The shape that all failures share: a tag named `reason`, and the data that a sentence needs. */
import { z } from "zod";

/** Text that a browser, a driver, or a library wrote: shown as it is, never interpreted. */
export const MAX_DETAIL_CHARACTERS = 1000;
export const Detail = z.string().max(MAX_DETAIL_CHARACTERS);

export function failure<Reason extends string, Shape extends z.ZodRawShape>(
  reason: Reason,
  shape: Shape,
) {
  return z.strictObject({ reason: z.literal(reason), ...shape });
}

/** An error that no code of ours describes. */
export const Unexpected = failure("unexpected", { detail: Detail });
