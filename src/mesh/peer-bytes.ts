/**
 * Ranges of a file that one member has, read by others: what a model's bytes
 * are when somebody picked a file. Requests and answers share the bulk channel;
 * its back-pressure slows a server whose reader is slow.
 *
 *   request   u8 0, u32 id, f64 offset, u32 length, text key
 *   answer    u8 1, u32 id, bytes to the end
 *   refusal   u8 2, u32 id, text message
 *
 * Knows nothing of what the bytes mean.
 */
import type { MemberId } from "../shared/ids.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { MeshError, ProtocolError } from "./errors.ts";
import type { Transport } from "./types.ts";
import { errorMessage } from "../shared/error-message.ts";

/** Longer reads are cut into requests of this size, so that nobody holds more in memory. */
export const MAX_RANGE_BYTES = 4 * 1024 * 1024;
/** Requests in flight for one long read: enough to keep the link busy during a round trip. */
const REQUESTS_IN_FLIGHT = 3;

const REQUEST = 0;
const ANSWER = 1;
const REFUSAL = 2;

/** Exactly `lengthBytes` bytes from `offsetBytes`, or a rejection in words. */
export type ReadRange = (
  offsetBytes: number,
  lengthBytes: number,
) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Answers requests of every peer until the returned function is called. `open`
 * gives the reader of a key, or null when this member has no such file.
 */
export function serveBytes(
  transport: Transport,
  open: (key: string) => ReadRange | null,
): () => void {
  return transport.events.onBytes((peer, bytes) => {
    if (bytes[0] !== REQUEST) return;
    void answer(transport, peer, bytes, open);
  });
}

async function answer(
  transport: Transport,
  peer: MemberId,
  bytes: Uint8Array,
  open: (key: string) => ReadRange | null,
): Promise<void> {
  const request = parseRequest(bytes);
  if (request === null) return transport.disconnect(peer);
  const reply = new ByteWriter(16);
  try {
    const read = open(request.key);
    if (read === null) throw new Error(`this member has no file ${request.key} any more`);
    const found = await read(request.offsetBytes, request.lengthBytes);
    reply.u8(ANSWER);
    reply.u32(request.id);
    reply.raw(found);
  } catch (error) {
    reply.u8(REFUSAL);
    reply.u32(request.id);
    reply.text(errorMessage(error));
  }
  // An answer that cannot be sent means that the peer is gone, which its connection tells.
  await transport.sendBytes(peer, reply.finish()).catch(() => undefined);
}

function parseRequest(bytes: Uint8Array) {
  try {
    const reader = new ByteReader(bytes.subarray(1));
    const id = reader.u32();
    const offsetBytes = reader.f64();
    const lengthBytes = reader.u32();
    const key = reader.text();
    reader.end();
    const sane = Number.isSafeInteger(offsetBytes) && offsetBytes >= 0;
    return sane && lengthBytes <= MAX_RANGE_BYTES ? { id, offsetBytes, lengthBytes, key } : null;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

type Waiting = {
  readonly lengthBytes: number;
  readonly resolve: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: MeshError) => void;
};

/** Names requests across all readers of a tab, so that an answer finds its own. */
let lastRequest = 0;

/**
 * Reads `key` from `peer`, which must be connected. Reads reject with a
 * `MeshError` in words when the peer refuses or leaves.
 */
export function peerByteReader(
  transport: Transport,
  peer: MemberId,
  key: string,
): { read: ReadRange; close(): void } {
  const waiting = new Map<number, Waiting>();
  const offBytes = transport.events.onBytes((from, bytes) => {
    if (from === peer) settle(waiting, bytes, key);
  });
  const rejectAll = (message: string) => {
    for (const request of waiting.values()) request.reject(new MeshError("bytes", message));
    waiting.clear();
  };
  const offDisconnect = transport.events.onDisconnect((gone, reason) => {
    if (gone === peer) rejectAll(`${peer}, which has ${key}, left while it was read: ${reason}.`);
  });
  const range: ReadRange = (offsetBytes, lengthBytes) =>
    new Promise((resolve, reject) => {
      lastRequest = (lastRequest + 1) >>> 0;
      const id = lastRequest;
      waiting.set(id, { lengthBytes, resolve, reject });
      const writer = new ByteWriter(64);
      writer.u8(REQUEST);
      writer.u32(id);
      writer.f64(offsetBytes);
      writer.u32(lengthBytes);
      writer.text(key);
      transport.sendBytes(peer, writer.finish()).catch((error: unknown) => {
        waiting.delete(id);
        reject(
          new MeshError("bytes", `${key} cannot be read from ${peer}: ${errorMessage(error)}`),
        );
      });
    });
  return {
    read: (offsetBytes, lengthBytes) => readLong(range, offsetBytes, lengthBytes),
    close: () => {
      offBytes();
      offDisconnect();
      rejectAll(`Reading ${key} was ended.`);
    },
  };
}

function settle(waiting: Map<number, Waiting>, bytes: Uint8Array<ArrayBuffer>, key: string): void {
  if (bytes.length < 5 || bytes[0] === REQUEST) return;
  const reader = new ByteReader(bytes);
  const tag = reader.u8();
  const id = reader.u32();
  const request = waiting.get(id);
  if (request === undefined) return;
  waiting.delete(id);
  if (tag === ANSWER && reader.remaining === request.lengthBytes)
    request.resolve(bytes.subarray(5));
  else if (tag === REFUSAL) request.reject(new MeshError("bytes", `${key}: ${refusal(reader)}`));
  else
    request.reject(
      new MeshError(
        "bytes",
        `${key}: ${reader.remaining} bytes came instead of ${request.lengthBytes}.`,
      ),
    );
}

function refusal(reader: ByteReader): string {
  try {
    return reader.text();
  } catch (error) {
    return errorMessage(error);
  }
}

async function readLong(
  range: ReadRange,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (lengthBytes <= MAX_RANGE_BYTES) return range(offsetBytes, lengthBytes);
  const whole = new Uint8Array(lengthBytes);
  let next = 0;
  const worker = async () => {
    while (next < lengthBytes) {
      const at = next;
      next += MAX_RANGE_BYTES;
      const length = Math.min(MAX_RANGE_BYTES, lengthBytes - at);
      whole.set(await range(offsetBytes + at, length), at);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, worker));
  return whole;
}
