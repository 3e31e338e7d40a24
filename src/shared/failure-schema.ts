/** The shapes of tagged data: one literal that names the case, and the data that its sentence needs. */
import { z } from "zod";
import { MAX_DETAIL_CHARACTERS } from "./error-message.ts";

/** Text that a browser, a driver, or a library wrote: shown as it is, never interpreted. */
export const Detail = z.string().max(MAX_DETAIL_CHARACTERS);

/** Why something failed or was refused: the tag is `reason`. */
export function failure<Reason extends string, Shape extends z.ZodRawShape>(
  reason: Reason,
  shape: Shape,
) {
  return z.strictObject({ reason: z.literal(reason), ...shape });
}

/** One case of other data: the tag is `kind`. */
export function kind<Kind extends string, Shape extends z.ZodRawShape>(name: Kind, shape: Shape) {
  return z.strictObject({ kind: z.literal(name), ...shape });
}

/** A command, an event, or a message: the tag is `type`. */
export function typed<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.strictObject({ type: z.literal(type), ...shape });
}

/** An error that no code of ours describes. */
export const Unexpected = failure("unexpected", { detail: Detail });
