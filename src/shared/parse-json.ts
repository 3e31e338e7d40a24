const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The value of a JSON text; `undefined`, which no schema accepts, if it is not one. */
export function parseJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof text === "string" ? text : utf8.decode(text));
  } catch {
    return undefined;
  }
}
