/**
 * The bounded scan of a GGUF header before the library parses it.
 *
 *   input    the first bytes of a file, and the file's length
 *   result   "more", with the minimum number of bytes needed, or the header's end
 *
 * Nothing is allocated in proportion to a number in the file, every step moves
 * forward, and every length is first checked against the file's end. A header that
 * passes is small enough for the library, which checks less.
 *
 * Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { malformed, ModelError, unsupported } from "./model-error.ts";

/** The library's buffer for a header is limited to 50 MB. Real headers have 1 to 20 MB. */
export const MAX_HEADER_BYTES = 48_000_000;
/** Elements of all arrays together, since they become JavaScript values. */
const MAX_ARRAY_ELEMENTS = 4_000_000;
const MAX_ARRAY_DEPTH = 3;
const MAX_STRING_BYTES = 10_000_000;
/** The format's own limit. */
const MAX_KEY_BYTES = 65_535;
const MAX_KEYS = 100_000;
const MAX_TENSORS = 200_000;
const MAX_DIMENSIONS = 4;

/** GGUF value types by number: bytes of a fixed-size value, or its kind. */
const VALUE_TYPES = [1, 1, 2, 2, 4, 4, 4, 1, "string", "array", 8, 8, 8] as const;

export type HeaderScan =
  | { readonly kind: "more"; readonly neededBytes: number }
  | {
      readonly kind: "complete";
      /** End of the tensor table; the data begins at the next multiple of the alignment. */
      readonly headerBytes: number;
      /** The first element of each top-level array of strings, by key. */
      readonly stringArrays: ReadonlyMap<string, { offsetBytes: number; count: number }>;
    };

/** Throws a `ModelError` if no continuation of `prefix` can be a usable header. */
export function scanHeader(prefix: Uint8Array, fileBytes: number): HeaderScan {
  try {
    return walk(new Cursor(prefix, Math.min(fileBytes, MAX_HEADER_BYTES), fileBytes));
  } catch (error) {
    if (error instanceof NeedMore) return { kind: "more", neededBytes: error.neededBytes };
    throw error;
  }
}

/** The strings of an array found by `scanHeader`, byte for byte (a BOM is kept). */
export function readStrings(
  header: Uint8Array,
  { offsetBytes, count }: { offsetBytes: number; count: number },
): string[] {
  const cursor = new Cursor(header, header.length, header.length);
  cursor.skip(offsetBytes, "strings");
  const strings: string[] = [];
  for (let i = 0; i < count; i++) strings.push(cursor.string("a string"));
  return strings;
}

function walk(cursor: Cursor): HeaderScan {
  readPreamble(cursor);
  const tensorCount = cursor.count("number of tensors", MAX_TENSORS, 24);
  const keyCount = cursor.count("number of metadata keys", MAX_KEYS, 13);
  const stringArrays = new Map<string, { offsetBytes: number; count: number }>();
  const keys = new Set<string>();
  const budget = { elements: MAX_ARRAY_ELEMENTS };
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.string("a metadata key", MAX_KEY_BYTES);
    if (keys.has(key)) throw malformed("repeated_key", key);
    if (key === "__proto__") throw malformed("reserved_key", key);
    keys.add(key);
    const found = skipValue(cursor, cursor.u32(key), key, 0, budget);
    if (found !== null) stringArrays.set(key, found);
  }
  for (let i = 0; i < tensorCount; i++) {
    cursor.skip(cursor.count("length of a tensor's name", 1024, 1), "a tensor's name");
    const dimensions = cursor.u32("a tensor's dimensions");
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw malformed("over_limit", "number of dimensions", dimensions, MAX_DIMENSIONS);
    }
    cursor.skip(8 * dimensions + 4 + 8, "a tensor's shape");
  }
  return { kind: "complete", headerBytes: cursor.offset, stringArrays };
}

function readPreamble(cursor: Cursor): void {
  const magic = cursor.u32("the magic number");
  if (magic !== 0x46554747) throw malformed("not_gguf", "magic number");
  const version = cursor.u32("the version");
  if (version === 2 || version === 3) return;
  const isByteSwapped = (version & 0xffff) === 0;
  throw isByteSwapped
    ? unsupported("big_endian")
    : unsupported("gguf_version", version, ["2", "3"]);
}

/** Returns where the strings are if the value is an array of strings. */
function skipValue(
  cursor: Cursor,
  type: number,
  key: string,
  depth: number,
  budget: { elements: number },
): { offsetBytes: number; count: number } | null {
  const kind = VALUE_TYPES[type];
  if (kind === undefined) throw malformed("unknown_value_type", key, type);
  if (kind === "string") {
    cursor.skip(cursor.count(`length of ${key}`, MAX_STRING_BYTES, 1), key);
    return null;
  }
  if (kind !== "array") {
    cursor.skip(kind, key);
    return null;
  }
  if (depth >= MAX_ARRAY_DEPTH) throw malformed("nested_too_deeply", key);
  const elementType = cursor.u32(key);
  const elementKind = VALUE_TYPES[elementType];
  const minBytes = typeof elementKind === "number" ? elementKind : elementKind === "array" ? 12 : 8;
  const count = cursor.count(`length of ${key}`, 1_000_000, minBytes);
  budget.elements -= count;
  if (budget.elements < 0)
    throw malformed(
      "over_limit",
      `number of array elements (at ${key})`,
      count,
      MAX_ARRAY_ELEMENTS,
    );
  const offsetBytes = cursor.offset;
  if (typeof elementKind === "number") cursor.skip(elementKind * count, key);
  else for (let i = 0; i < count; i++) skipValue(cursor, elementType, key, depth + 1, budget);
  if (elementKind === undefined) throw malformed("unknown_value_type", key, elementType);
  return elementKind === "string" && depth === 0 ? { offsetBytes, count } : null;
}

class NeedMore extends Error {
  readonly neededBytes: number;
  constructor(neededBytes: number) {
    super("more bytes are needed");
    this.neededBytes = neededBytes;
  }
}

/** Reads forward. Throws `NeedMore` at the prefix's end, and a `ModelError` at the file's. */
class Cursor {
  offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #endBytes: number;
  readonly #fileBytes: number;

  constructor(bytes: Uint8Array, endBytes: number, fileBytes: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#endBytes = endBytes;
    this.#fileBytes = fileBytes;
  }

  skip(lengthBytes: number, what: string): number {
    const start = this.offset;
    const end = start + lengthBytes;
    if (end > this.#endBytes) throw this.#pastEnd(what);
    if (end > this.#bytes.length) throw new NeedMore(end);
    this.offset = end;
    return start;
  }

  u32(what: string): number {
    return this.#view.getUint32(this.skip(4, what), true);
  }

  /** A u64 that counts items of at least `minBytes` each, all of which must still fit. */
  count(what: string, limit: number, minBytes: number): number {
    const value = this.#view.getBigUint64(this.skip(8, what), true);
    if (value > BigInt(limit)) throw malformed("over_limit", what, String(value), limit);
    const count = Number(value);
    if (count * minBytes > this.#endBytes - this.offset) throw this.#pastEnd(what);
    return count;
  }

  string(what: string, maxBytes = MAX_STRING_BYTES): string {
    const length = this.count(`length of ${what}`, maxBytes, 1);
    const start = this.skip(length, what);
    return UTF8.decode(this.#bytes.subarray(start, start + length));
  }

  #pastEnd(part: string): ModelError {
    if (this.#endBytes < this.#fileBytes)
      return malformed("header_too_large", part, null, MAX_HEADER_BYTES);
    const [offsetBytes, fileBytes] = [this.offset, this.#fileBytes];
    return new ModelError({ reason: "truncated_header", part, offsetBytes, fileBytes });
  }
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
