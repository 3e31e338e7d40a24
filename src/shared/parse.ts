import type { z } from "zod";

/**
 * Of `safeParse` this parameter is missing in zod's types; its own `validate` sets it. Without it a
 * failed parse describes every wrong item of a list: a kilobyte for two bytes of hostile input.
 */
const STOP_AT_FIRST_ISSUE = { abortEarly: true } as z.core.ParseContext<z.core.$ZodIssue>;

/** What `schema` makes of a value from another tab or the network, or its first fault. */
export function parseUntrusted<T extends z.ZodType>(
  schema: T,
  value: unknown,
): z.ZodSafeParseResult<z.output<T>> {
  return schema.safeParse(value, STOP_AT_FIRST_ISSUE);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The value of a JSON text; `undefined`, which no schema accepts, if it is not one. */
export function parseJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof text === "string" ? text : utf8.decode(text));
  } catch {
    return undefined;
  }
}
