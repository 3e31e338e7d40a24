/** What anything that was thrown says. Without zod, so that a small worker can use it. */

export const MAX_DETAIL_CHARACTERS = 1000;

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `detail` of a failure: what a browser or a library said. */
export function detailOf(error: unknown): string {
  return errorMessage(error).slice(0, MAX_DETAIL_CHARACTERS);
}
