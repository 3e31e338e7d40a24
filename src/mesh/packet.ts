/**
 * A message with bytes: a header, which is a JSON value, and a payload.
 *
 *   u8 protocol version, u32 length of the header, u32 length of the payload, header, payload
 *
 * Numbers are little-endian. Frames (`frames.ts`) and ranges of files (`peer-bytes.ts`) are packets.
 */
import type { z } from "zod";
import { parseJson, parseUntrusted } from "../shared/index.ts";
import { ProtocolError } from "./mesh-error.ts";

/** Tabs with different versions refuse each other in the handshake. Packets carry the version too. */
export const PROTOCOL_VERSION = 8;

const PREFIX_BYTES = 9;
/** Parsing text takes a multiple of its memory. A row of each of 64 answers in a room of 32 stages has 200 KB. */
const MAX_HEADER_BYTES = 1024 * 1024;

const utf8 = new TextEncoder();

export function pack(
  header: unknown,
  { buffer, byteOffset, byteLength }: ArrayBufferView = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const text = utf8.encode(JSON.stringify(header));
  const bytes = new Uint8Array(PREFIX_BYTES + text.length + byteLength);
  const prefix = new DataView(bytes.buffer);
  prefix.setUint8(0, PROTOCOL_VERSION);
  prefix.setUint32(1, text.length, true);
  prefix.setUint32(5, byteLength, true);
  bytes.set(text, PREFIX_BYTES);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), PREFIX_BYTES + text.length);
  return bytes;
}

/**
 * The mirror image; the payload is a view. Throws `ProtocolError` on another version, lengths that do not
 * add up, and a header that is too long or that `schema` does not accept.
 */
export function unpack<Schema extends z.ZodType, Buffer extends ArrayBufferLike>(
  schema: Schema,
  bytes: Uint8Array<Buffer>,
): { header: z.output<Schema>; payload: Uint8Array<Buffer> } {
  if (bytes.length < PREFIX_BYTES) throw new ProtocolError(`a packet of ${bytes.length} bytes`);
  if (bytes[0] !== PROTOCOL_VERSION)
    throw new ProtocolError(`a packet of protocol ${bytes[0]}; this tab uses ${PROTOCOL_VERSION}`);
  const prefix = new DataView(bytes.buffer, bytes.byteOffset);
  const headerBytes = prefix.getUint32(1, true);
  const end = PREFIX_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || end + prefix.getUint32(5, true) !== bytes.length)
    throw new ProtocolError(`a header of ${headerBytes} bytes in ${bytes.length}`);
  const header = parseUntrusted(schema, parseJson(bytes.subarray(PREFIX_BYTES, end)));
  if (!header.success) throw new ProtocolError("an invalid header");
  return { header: header.data, payload: bytes.subarray(end) };
}
