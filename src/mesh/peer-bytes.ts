/**
 * Ranges of a file that another member has, such as a model that a person picked
 * there. Requests and answers share the bulk channel; its back-pressure slows a
 * server whose reader is slow.
 *
 *   request   u8 0, u32 id, f64 offset, u32 length, text key
 *   answer    u8 1, u32 id, bytes to the end
 *   refusal   u8 2, u32 id, text: the failure as JSON, null if there is no such file
 *
 * Does not interpret the bytes.
 */
import {
  detailOf,
  failureOf,
  type MemberId,
  type CloseFailure,
  type MeshFailure,
  ReadFailure,
  parseUntrusted,
} from "../shared/index.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { parseJson } from "../shared/index.ts";
import { MeshError, ProtocolError } from "./mesh-error.ts";
import type { Transport } from "./transport.ts";

/** Longer reads are split into requests of this size, which limits memory on both sides. */
const MAX_RANGE_BYTES = 4 * 1024 * 1024;
/** Requests in flight for one long read: enough to keep the link busy during a round trip. */
const REQUESTS_IN_FLIGHT = 3;

/** Answers to one peer at a time: several files, each with `REQUESTS_IN_FLIGHT`. Each is in memory until it is sent. */
export const MAX_ANSWERS_AT_ONCE = 8;
/** Of requests of one peer that wait; its readers have a few of some ten bytes. */
export const MAX_WAITING_REQUEST_BYTES = 64 * 1024;

const REQUEST = 0;
const ANSWER = 1;
const REFUSAL = 2;

/** Exactly `lengthBytes` bytes from `offsetBytes`, or a rejection. */
export type ReadRange = (
  offsetBytes: number,
  lengthBytes: number,
) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Answers requests of every peer until the returned function is called. `open`
 * returns the reader of a key, or null if this member has no such file. Disconnects a peer of which
 * too many requests wait.
 */
export function serveBytes(
  transport: Transport,
  open: (key: string) => ReadRange | null,
): () => void {
  const queues = new Map<MemberId, RequestQueue>();
  const answer = async (peer: MemberId, bytes: Uint8Array) => {
    const request = parseRequest(bytes);
    if (request === null) return transport.disconnect(peer);
    const reply = new ByteWriter(16);
    const begin = (tag: number) => {
      reply.u8(tag);
      reply.u32(request.id);
    };
    try {
      const range = await open(request.key)?.(request.offsetBytes, request.lengthBytes);
      begin(range === undefined ? REFUSAL : ANSWER);
      if (range === undefined) reply.text("null");
      else reply.raw(range);
    } catch (error) {
      const failure = ReadFailure.safeParse(failureOf(error)).data;
      begin(REFUSAL);
      reply.text(JSON.stringify(failure ?? { reason: "unexpected", detail: detailOf(error) }));
    }
    // If the answer cannot be sent, the peer is gone, which its connection reports.
    await transport.sendBytes(peer, reply.finish()).catch(() => undefined);
  };
  const serve = async (peer: MemberId, queue: RequestQueue) => {
    queue.answering += 1;
    for (
      let request = queue.waiting.shift();
      request !== undefined && queues.get(peer) === queue;
      request = queue.waiting.shift()
    ) {
      queue.waitingBytes -= request.byteLength;
      await answer(peer, request);
    }
    queue.answering -= 1;
  };
  const offDisconnect = transport.events.onDisconnect((peer) => queues.delete(peer));
  const offBytes = transport.events.onBytes((peer, bytes) => {
    if (bytes[0] !== REQUEST) return; // an answer, for a reader
    const queue = queues.get(peer) ?? { waiting: [], waitingBytes: 0, answering: 0 };
    queues.set(peer, queue);
    queue.waiting.push(bytes);
    queue.waitingBytes += bytes.byteLength;
    if (queue.answering < MAX_ANSWERS_AT_ONCE) return void serve(peer, queue);
    if (queue.waitingBytes > MAX_WAITING_REQUEST_BYTES) transport.disconnect(peer);
  });
  return () => {
    offBytes();
    offDisconnect();
  };
}

type RequestQueue = {
  readonly waiting: Uint8Array[];
  waitingBytes: number;
  answering: number;
};

function parseRequest(bytes: Uint8Array) {
  try {
    const reader = new ByteReader(bytes.subarray(1));
    const id = reader.u32();
    const offsetBytes = reader.f64();
    const lengthBytes = reader.u32();
    const key = reader.text();
    reader.end();
    const isValid = Number.isSafeInteger(offsetBytes) && offsetBytes >= 0;
    return isValid && lengthBytes <= MAX_RANGE_BYTES ? { id, offsetBytes, lengthBytes, key } : null;
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

/** Request ids are unique across all readers of a tab. */
let lastRequest = 0;

/**
 * Reads what `peer`, which must be connected, serves as `key`. Reads reject with a `MeshError`,
 * which names `file`, when the peer refuses or leaves.
 */
export function peerByteReader(
  transport: Transport,
  peer: MemberId,
  key: string,
  file = key,
): { read: ReadRange; close(): void } {
  const waiting = new Map<number, Waiting>();
  const settle = (bytes: Uint8Array<ArrayBuffer>) => {
    if (bytes.length < 5 || bytes[0] === REQUEST) return;
    const reader = new ByteReader(bytes);
    const tag = reader.u8();
    const id = reader.u32();
    const request = waiting.get(id);
    if (request === undefined) return;
    waiting.delete(id);
    if (tag === ANSWER && reader.remaining === request.lengthBytes)
      return request.resolve(bytes.subarray(5));
    const failure = tag === REFUSAL ? refusal(reader, peer, file) : null;
    request.reject(new MeshError(failure ?? { reason: "peer_read_invalid", peer, file }));
  };
  const offBytes = transport.events.onBytes((from, bytes) => {
    if (from === peer) settle(bytes);
  });
  const rejectAll = (failure: MeshFailure) => {
    for (const request of waiting.values()) request.reject(new MeshError(failure));
    waiting.clear();
  };
  const interrupted = (cause: CloseFailure): MeshFailure => {
    return { reason: "peer_read_interrupted", peer, file, cause };
  };
  const offDisconnect = transport.events.onDisconnect((gone, cause) => {
    if (gone === peer) rejectAll(interrupted(cause));
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
      transport.sendBytes(peer, writer.finish()).catch((cause: unknown) => {
        waiting.delete(id);
        reject(new MeshError(interrupted({ reason: "channel_closed" }), { cause }));
      });
    });
  return {
    read: (offsetBytes, lengthBytes) => readLong(range, offsetBytes, lengthBytes),
    close: () => {
      offBytes();
      offDisconnect();
      rejectAll({ reason: "peer_read_closed", file });
    },
  };
}

/** null if it is not a valid one. */
function refusal(reader: ByteReader, peer: MemberId, file: string): MeshFailure | null {
  try {
    const cause = parseUntrusted(ReadFailure.nullable(), parseJson(reader.text())).data;
    if (cause === undefined) return null;
    return cause === null
      ? { reason: "peer_has_no_file", peer, file }
      : { reason: "peer_read_failed", peer, file, cause };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return null;
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
