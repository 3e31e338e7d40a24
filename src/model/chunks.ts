/**
 * A file as chunks with known SHA-256 hashes, so that bytes from a peer can be checked.
 *
 *   leaf   SHA-256 of a chunk: `CHUNK_BYTES` bytes, the last chunk fewer
 *   root   SHA-256 of "tabmesh-tree-1\n", the file's length as a u64, and all leaves in order
 *
 * Two levels are enough: the leaves of a file of 100 GB take 3 MB. A chunk map is what a member
 * publishes about a file: per chunk a u8, 1 if the member has it, and its leaf, zeros if unknown.
 */
import { sha256 as sha256Of } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { ByteSource } from "./byte-source.ts";
import { malformed } from "./model-error.ts";

export const CHUNK_BYTES = 1 << 20;
export const LEAF_BYTES = 32;
/** The length of a file in a room comes from another member: 1 TiB bounds the memory for its leaves. */
const MAX_FILE_BYTES = 2 ** 40;
const ENTRY_BYTES = 1 + LEAF_BYTES;
/** What is read at a time of a file that is hashed; its chunks are hashed at the same time. */
const READ_BYTES = 8 * CHUNK_BYTES;
const ROOT_PREFIX = new TextEncoder().encode("tabmesh-tree-1\n");

export type Leaf = Uint8Array<ArrayBuffer>;

/** Pages without a secure context have no WebCrypto. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Leaf> {
  const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto };
  return subtle === undefined
    ? Uint8Array.from(sha256Of(bytes))
    : new Uint8Array(await subtle.digest("SHA-256", bytes));
}

/** Throws a `ModelError` for a file over the limit. */
export function chunkCount(fileBytes: number): number {
  if (fileBytes > MAX_FILE_BYTES)
    throw malformed("over_limit", "length of the file", fileBytes, MAX_FILE_BYTES);
  return Math.ceil(fileBytes / CHUNK_BYTES);
}

export function chunkLength(fileBytes: number, index: number): number {
  return Math.min(CHUNK_BYTES, fileBytes - index * CHUNK_BYTES);
}

/** How many of the first `most` chunks follow one another in the file. */
export function runLength(chunks: readonly number[], most: number): number {
  let length = 1;
  while (length < most && chunks[length] === chunks[0]! + length) length++;
  return length;
}

/** The chunks that a range touches. */
export function chunksOf(offsetBytes: number, lengthBytes: number): number[] {
  const first = Math.floor(offsetBytes / CHUNK_BYTES);
  const end = Math.ceil((offsetBytes + lengthBytes) / CHUNK_BYTES);
  return Array.from({ length: end - first }, (_, index) => first + index);
}

/** The bytes [from, to) of a chunk, which begin at `at` of a read. */
export type ChunkPart = {
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly at: number;
};

/** The parts of a read of a file, chunk by chunk. */
export function chunkParts(offsetBytes: number, lengthBytes: number): ChunkPart[] {
  return chunksOf(offsetBytes, lengthBytes).map((index) => {
    const start = index * CHUNK_BYTES;
    const from = Math.max(offsetBytes, start) - start;
    const to = Math.min(offsetBytes + lengthBytes - start, CHUNK_BYTES);
    return { index, from, to, at: start + from - offsetBytes };
  });
}

/** Reads the whole file; `onRead` gets the bytes that are hashed so far. */
export async function leavesOf(
  source: ByteSource,
  onRead: (doneBytes: number) => void = () => undefined,
): Promise<Leaf[]> {
  chunkCount(source.fileBytes); // throws if the file is too long
  const leaves: Leaf[] = [];
  for (let start = 0; start < source.fileBytes; start += READ_BYTES) {
    const bytes = await source.read(start, Math.min(READ_BYTES, source.fileBytes - start));
    const parts = chunkParts(0, bytes.length);
    leaves.push(
      ...(await Promise.all(parts.map(({ at, to }) => sha256(bytes.subarray(at, at + to))))),
    );
    onRead(start + bytes.length);
  }
  return leaves;
}

/** The leaves of whole chunks, in order; one at a time, since a browser copies what it hashes. */
export async function leavesIn(bytes: Uint8Array<ArrayBuffer>): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    leaves.push(await sha256(bytes.subarray(at, at + CHUNK_BYTES)));
  return leaves;
}

/** In hex. */
export async function rootOf(fileBytes: number, leaves: readonly Leaf[]): Promise<string> {
  const bytes = new Uint8Array(ROOT_PREFIX.length + 8 + LEAF_BYTES * leaves.length);
  bytes.set(ROOT_PREFIX);
  new DataView(bytes.buffer).setBigUint64(ROOT_PREFIX.length, BigInt(fileBytes), true);
  leaves.forEach((leaf, index) => bytes.set(leaf, ROOT_PREFIX.length + 8 + LEAF_BYTES * index));
  return bytesToHex(await sha256(bytes));
}

export type ChunkMap = {
  readonly held: ReadonlySet<number>;
  readonly leaves: ReadonlyMap<number, Leaf>;
};

/** All leaves of a map; null unless they make the root. */
export async function leavesWithRoot(
  { leaves }: Pick<ChunkMap, "leaves">,
  fileBytes: number,
  root: string,
): Promise<readonly Leaf[] | null> {
  const all = Array.from({ length: chunkCount(fileBytes) }, (_, index) => leaves.get(index));
  if (!all.every((leaf) => leaf !== undefined)) return null;
  return (await rootOf(fileBytes, all)) === root ? all : null;
}

/** How many of the chunks `[first, end)` the member has. */
export function heldIn({ held }: ChunkMap, first: number, end: number): number {
  let count = 0;
  for (let index = first; index < end; index++) if (held.has(index)) count++;
  return count;
}

export function chunkMapBytes(fileBytes: number): number {
  return ENTRY_BYTES * chunkCount(fileBytes);
}

export function encodeChunkMap(
  { held, leaves }: ChunkMap,
  fileBytes: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunkMapBytes(fileBytes));
  for (const index of held) bytes[index * ENTRY_BYTES] = 1;
  for (const [index, leaf] of leaves) bytes.set(leaf, index * ENTRY_BYTES + 1);
  return bytes;
}

/** Null unless the bytes are the map of a file of this length. */
export function decodeChunkMap(bytes: Uint8Array<ArrayBuffer>, fileBytes: number): ChunkMap | null {
  if (bytes.length !== chunkMapBytes(fileBytes)) return null;
  const held = new Set<number>();
  const leaves = new Map<number, Leaf>();
  for (let index = 0; index * ENTRY_BYTES < bytes.length; index++) {
    const at = index * ENTRY_BYTES;
    if (bytes[at]! > 1) return null;
    if (bytes[at] === 1) held.add(index);
    const leaf = bytes.subarray(at + 1, at + ENTRY_BYTES);
    if (leaf.some((byte) => byte !== 0)) leaves.set(index, leaf);
  }
  return { held, leaves };
}

export function sameLeaf(a: Leaf, b: Leaf): boolean {
  return a.every((byte, index) => byte === b[index]);
}
