/**
 * Ranges of a file that another member has, such as a model that a person picked
 * there. Requests and answers share the bulk channel; its back-pressure slows a
 * server whose reader is slow.
 *
 *   request   what is wanted
 *   answer    its payload is the bytes
 *   refusal   why not; null if there is no such file
 *
 * Each is a packet. Does not interpret the bytes.
 */
import { z } from "zod";
import { detailOf, failureOf, type MemberId, ReadFailure, typed } from "../shared/index.ts";
import { MeshError, ProtocolError } from "./mesh-error.ts";
import { pack, unpack } from "./packet.ts";
import type { Transport } from "./transport.ts";

/** Of one read, which limits memory on both sides: `cached-source.ts` in `model` asks for as many chunks at a time. */
const MAX_RANGE_BYTES = 8 * 1024 * 1024;

/** Answers to one peer at a time. Each is in memory until it is sent. */
export const MAX_ANSWERS_AT_ONCE = 4;
/** Of one peer, whose readers have a few. */
export const MAX_WAITING_REQUESTS = 1000;
/** A content id in hex, and a prefix. */
const MAX_KEY_CHARACTERS = 200;

const id = z.int().min(0);
const Request = typed("request", {
  id,
  offsetBytes: z.int().min(0),
  lengthBytes: z.int().min(0).max(MAX_RANGE_BYTES),
  key: z.string().max(MAX_KEY_CHARACTERS),
});
type Request = z.infer<typeof Request>;

const Header = z.discriminatedUnion("type", [
  Request,
  typed("answer", { id }),
  typed("refusal", { id, failure: ReadFailure.nullable() }),
]);

/** null if it is no packet of this kind. */
function unpacked(bytes: Uint8Array<ArrayBuffer>) {
  try {
    return unpack(Header, bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** Exactly `lengthBytes` bytes from `offsetBytes`, or a rejection. At most `MAX_RANGE_BYTES` are read at a time. */
export type ReadRange = (
  offsetBytes: number,
  lengthBytes: number,
) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Answers requests of every peer. `open`
 * returns the reader of a key, or null if this member has no such file. Disconnects a peer of which
 * too many requests wait.
 */
export function serveBytes(transport: Transport, open: (key: string) => ReadRange | null): void {
  const queues = new Map<MemberId, RequestQueue>();
  const replyTo = async ({ id, key, offsetBytes, lengthBytes }: Request) => {
    try {
      const range = await open(key)?.(offsetBytes, lengthBytes);
      if (range !== undefined) return pack({ type: "answer", id }, range);
      return pack({ type: "refusal", id, failure: null });
    } catch (error) {
      const unexpected = { reason: "unexpected", detail: detailOf(error) };
      const failure = ReadFailure.safeParse(failureOf(error)).data ?? unexpected;
      return pack({ type: "refusal", id, failure });
    }
  };
  const serve = async (peer: MemberId, queue: RequestQueue) => {
    queue.answering += 1;
    for (
      let request = queue.waiting.shift();
      request !== undefined && queues.get(peer) === queue;
      request = queue.waiting.shift()
    ) {
      const reply = await replyTo(request);
      // If the answer cannot be sent, the peer is gone, which its connection reports.
      await transport.sendBytes(peer, reply).catch(() => undefined);
    }
    queue.answering -= 1;
  };
  transport.events.onDisconnect((peer) => queues.delete(peer));
  transport.events.onBytes((peer, bytes) => {
    const request = unpacked(bytes)?.header;
    if (request === undefined) return transport.disconnect(peer);
    if (request.type !== "request") return; // for a reader
    const queue = queues.get(peer) ?? { waiting: [], answering: 0 };
    queues.set(peer, queue);
    queue.waiting.push(request);
    if (queue.answering < MAX_ANSWERS_AT_ONCE) return void serve(peer, queue);
    if (queue.waiting.length > MAX_WAITING_REQUESTS) transport.disconnect(peer);
  });
}

type RequestQueue = {
  readonly waiting: Request[];
  answering: number;
};

type Waiting = {
  readonly peer: MemberId;
  readonly file: string;
  readonly lengthBytes: number;
  readonly resolve: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: MeshError) => void;
};

/**
 * Reads what a connected peer serves under a key; one for all peers and keys of a transport. Reads reject with
 * a `MeshError`, which names `file`, when the peer refuses or leaves.
 */
export function peerReaders(transport: Transport) {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  transport.events.onBytes((peer, bytes) => {
    const { header, payload } = unpacked(bytes) ?? {};
    if (header === undefined || header.type === "request") return;
    const request = waiting.get(header.id);
    if (request?.peer !== peer) return;
    waiting.delete(header.id);
    const { file, lengthBytes } = request;
    if (header.type === "refusal") {
      const { failure: cause } = header;
      request.reject(
        new MeshError(
          cause === null
            ? { reason: "peer_has_no_file", peer, file }
            : { reason: "peer_read_failed", peer, file, cause },
        ),
      );
    } else if (payload!.length === lengthBytes) request.resolve(payload!);
    else request.reject(new MeshError({ reason: "peer_read_invalid", peer, file }));
  });
  transport.events.onDisconnect((gone, cause) => {
    for (const [id, { peer, file, reject }] of waiting) {
      if (peer !== gone) continue;
      waiting.delete(id);
      reject(new MeshError({ reason: "peer_read_interrupted", peer, file, cause }));
    }
  });
  return (peer: MemberId, key: string, file = key): { readonly read: ReadRange } => ({
    read: (offsetBytes, lengthBytes) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { peer, file, lengthBytes, resolve, reject });
        const request: Request = { type: "request", id, offsetBytes, lengthBytes, key };
        transport.sendBytes(peer, pack(request)).catch((error: unknown) => {
          waiting.delete(id);
          const cause = { reason: "channel_closed" } as const;
          const failure = { reason: "peer_read_interrupted", peer, file, cause } as const;
          reject(new MeshError(failure, { cause: error }));
        });
      }),
  });
}
