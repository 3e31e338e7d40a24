/**
 * A file that its source and other members have. Bytes from a member are checked before they are
 * used; if they are wrong, the member is named and not asked again.
 *
 *   a picked file   every leaf is checked by the root, which is the model's id
 *   a URL           a leaf is the one that this tab found at the source, or else the one that members
 *                   found there. One chunk of the first bytes of each member, and each further chunk
 *                   with a chance of one in `CHECKED_CHUNKS`, is compared with the source
 *
 * Reads whole chunks, since only those can be checked. docs/decisions/content-tree.md
 *
 * Over 250 lines: reading, checking, and distrust change the same leaves and peers.
 */
import { beforeDeadline, type MemberId, type ModelNotice } from "../shared/index.ts";
import { type ByteSource, checkRange, type PeerFile } from "./byte-source.ts";
import {
  CHUNK_BYTES,
  type ChunkMap,
  chunkCount,
  chunkLength,
  chunkMapBytes,
  decodeChunkMap,
  heldIn,
  type Leaf,
  leavesIn,
  leavesWithRoot,
  sameLeaf,
} from "./chunks.ts";
import type { HashedRange } from "./lanes.ts";
import { ModelError } from "./model-error.ts";

/** A source that hashes what it reads, in other threads; with `mayStay`, these may store the bytes and keep them. */
export type HashedSource = ByteSource & {
  readonly readHashed: (
    offsetBytes: number,
    lengthBytes: number,
    mayStay: boolean,
  ) => Promise<HashedRange>;
};

export type SharedSourceOptions = {
  readonly fileBytes: number;
  readonly label: string;
  /** Where the file can be read without a peer; null for a file that another member picked. */
  readonly origin: HashedSource | null;
  /** The root that the leaves of peers must have; null if only the source knows the leaves. */
  readonly root: string | null;
  readonly onNotice: (notice: ModelNotice) => void;
  /** Chunks that came from a member whose bytes turned out wrong: they must be read again. */
  readonly onDistrust?: (chunks: ReadonlySet<number>) => void;
  /** In [0, 1): which member is asked first, and what is compared with the source. */
  readonly random?: () => number;
};

type Peer = PeerFile & {
  readonly chunks: ChunkMap;
  /** Chunks that this tab took from it without a leaf of the source. */
  readonly taken: Set<number>;
};

const CHECKED_CHUNKS = 16;
/** A member that takes longer is not asked again. Without a source, it has this long for each chunk. */
const PEER_TIMEOUT_MS = 30_000;
/** The same for its map, if the source can be read instead. */
const MAP_TIMEOUT_MS = 3000;
/** Without a source: how long the other members may take once one has answered. */
const SLOWER_PEERS_MS = 1000;

export class SharedSource implements ByteSource {
  readonly fileBytes: number;
  readonly label: string;
  readonly #options: SharedSourceOptions;
  readonly #random: () => number;
  /** Leaves of the root, or of chunks that this tab read at the source. */
  readonly #leaves = new Map<number, Leaf>();
  readonly #peers = new Map<MemberId, Peer>();
  readonly #turns = new Map<MemberId, Promise<unknown>>();

  constructor(options: SharedSourceOptions, leaves: readonly Leaf[] = []) {
    this.fileBytes = options.fileBytes;
    this.label = options.label;
    this.#options = options;
    this.#random = options.random ?? Math.random;
    leaves.forEach((leaf, index) => this.#leaves.set(index, leaf));
  }

  /** The leaves that need no trust in another member. */
  get leaves(): ReadonlyMap<number, Leaf> {
    return this.#leaves;
  }

  /**
   * Learns which chunks peers have, also of peers that it knows: they may have more by now. A peer that
   * does not answer, or wrongly, is left out; rejects if the file has no source and no peer is left.
   */
  async addPeers(peers: readonly PeerFile[]): Promise<void> {
    const asked = peers.map((peer) => this.#addPeer(peer));
    const all = Promise.allSettled(asked);
    if (this.#options.origin !== null) return void (await all);
    await Promise.any(asked).catch(({ errors: [first] }: AggregateError) => {
      throw (first as Error | undefined) ?? this.#notHeld();
    });
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, SLOWER_PEERS_MS))]);
  }

  async #addPeer(peer: PeerFile): Promise<void> {
    const timeoutMs = this.#options.origin === null ? PEER_TIMEOUT_MS : MAP_TIMEOUT_MS;
    const bytes = await this.#inTime(peer.map.read(0, chunkMapBytes(this.fileBytes)), timeoutMs);
    const chunks = decodeChunkMap(bytes, this.fileBytes);
    if (chunks === null || !(await this.#accepts(chunks))) throw this.#wrong(peer.member);
    const taken = this.#peers.get(peer.member)?.taken ?? new Set();
    this.#peers.set(peer.member, { ...peer, chunks, taken });
  }

  async #accepts({ leaves }: ChunkMap): Promise<boolean> {
    const { root } = this.#options;
    const known = [...this.#leaves].every(([index, leaf]) => {
      const theirs = leaves.get(index);
      return theirs === undefined || sameLeaf(theirs, leaf);
    });
    if (root === null || !known || this.#leaves.size === chunkCount(this.fileBytes)) return known;
    const all = await leavesWithRoot({ leaves }, this.fileBytes, root);
    if (all === null) return false;
    all.forEach((leaf, index) => this.#leaves.set(index, leaf));
    return true;
  }

  /** Whether a member has this chunk, with a leaf that nobody contradicts. */
  isHeld(index: number): boolean {
    const isOfPeer = [...this.#peers.values()].some(({ chunks }) => chunks.held.has(index));
    return isOfPeer && this.#expected(index) !== null;
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offsetBytes, lengthBytes);
    const { origin } = this.#options;
    const endBytes = offsetBytes + lengthBytes;
    const isWhole =
      offsetBytes % CHUNK_BYTES === 0 &&
      (endBytes % CHUNK_BYTES === 0 || endBytes === this.fileBytes);
    if (origin !== null && this.#peers.size === 0 && !isWhole)
      return origin.read(offsetBytes, lengthBytes);
    const first = Math.floor(offsetBytes / CHUNK_BYTES);
    const end = Math.ceil(endBytes / CHUNK_BYTES);
    const bytes = (await this.#readChunks(first, end, false))!;
    const from = offsetBytes - first * CHUNK_BYTES;
    return from === 0 && lengthBytes === bytes.length
      ? bytes
      : bytes.slice(from, from + lengthBytes);
  }

  /** As `read`, of whole chunks; null if another thread has stored them and kept the bytes. */
  fetch(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const first = offsetBytes / CHUNK_BYTES;
    return this.#readChunks(first, Math.ceil(first + lengthBytes / CHUNK_BYTES), true);
  }

  /**
   * The chunks `[first, end)`, from a peer that has all of them, or else from the source. Null only with
   * `mayStay`, as in `HashedSource`.
   */
  async #readChunks(
    first: number,
    end: number,
    mayStay: boolean,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const start = first * CHUNK_BYTES;
    const length = Math.min(end * CHUNK_BYTES, this.fileBytes) - start;
    const { origin } = this.#options;
    const timeoutMs = PEER_TIMEOUT_MS * (origin === null ? end - first : 1);
    let error: Error | null = null;
    for (const peer of this.#holders(first, end)) {
      try {
        const bytes = await this.#inTurn(peer, async () => {
          if (!this.#peers.has(peer.member)) throw this.#notHeld(); // an earlier read failed
          const bytes = await this.#inTime(peer.bytes.read(start, length), timeoutMs);
          return (await this.#isRight(peer, first, end, bytes)) ? bytes : null;
        });
        if (bytes !== null) return bytes;
        error = this.#refute(peer);
      } catch (cause) {
        this.#peers.delete(peer.member);
        error = cause as Error;
      }
    }
    const hasSome = [...this.#peers.values()].some(({ chunks }) => heldIn(chunks, first, end) > 0);
    if (end - first > 1 && hasSome) return this.#readHalves(first, end);
    if (origin === null) throw error ?? this.#notHeld();
    const { bytes, leaves } = await origin.readHashed(start, length, mayStay);
    this.#learn(first, leaves);
    return bytes;
  }

  /** One read of a member at a time: what it sends is checked before the next, and its time is not shared. */
  #inTurn<T>({ member }: Peer, work: () => Promise<T>): Promise<T> {
    const result = (this.#turns.get(member) ?? Promise.resolve()).then(work);
    this.#turns.set(
      member,
      result.catch(() => undefined),
    );
    return result;
  }

  /** No member has all of the chunks, but several together, or with the source, may have them. */
  async #readHalves(first: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const middle = (first + end) >> 1;
    const before = (await this.#readChunks(first, middle, false))!;
    const after = (await this.#readChunks(middle, end, false))!;
    const bytes = new Uint8Array(before.length + after.length);
    bytes.set(before);
    bytes.set(after, before.length);
    return bytes;
  }

  /** In random order, so that members share the work. */
  #holders(first: number, end: number): Peer[] {
    const indices = Array.from({ length: end - first }, (_, index) => first + index);
    const holders = indices.every((index) => this.#expected(index) !== null)
      ? [...this.#peers.values()].filter(({ chunks }) => heldIn(chunks, first, end) === end - first)
      : [];
    return holders.sort(() => this.#random() - 0.5);
  }

  /** The leaf that a chunk must have; null if nobody knows it, or if members disagree. */
  #expected(index: number): Leaf | null {
    const own = this.#leaves.get(index);
    if (own !== undefined || this.#options.root !== null) return own ?? null;
    let found: Leaf | null = null;
    for (const { chunks } of this.#peers.values()) {
      const published = chunks.leaves.get(index);
      if (published === undefined) continue;
      if (found !== null && !sameLeaf(found, published)) return null;
      found = published;
    }
    return found;
  }

  async #isRight(peer: Peer, first: number, end: number, bytes: Uint8Array<ArrayBuffer>) {
    const { origin, root } = this.#options;
    const isFirst = peer.taken.size === 0;
    // Which ones must not be known in advance, or a member would change the others.
    const certain = isFirst ? first + Math.floor(this.#random() * (end - first)) : -1;
    for (let index = first; origin !== null && root === null && index < end; index++) {
      if (index !== certain && this.#random() * CHECKED_CHUNKS >= 1) continue;
      const length = chunkLength(this.fileBytes, index);
      this.#learn(index, (await origin.readHashed(index * CHUNK_BYTES, length, true)).leaves);
    }
    for (const [i, leaf] of (await leavesIn(bytes)).entries()) {
      const expected = this.#expected(first + i);
      if (expected === null || !sameLeaf(leaf, expected)) return false;
      peer.taken.add(first + i);
    }
    return true;
  }

  /** Keeps the leaves of bytes that the source sent; members that published others are refuted. */
  #learn(first: number, leaves: readonly Leaf[]): void {
    for (const [i, leaf] of leaves.entries()) {
      const index = first + i;
      this.#leaves.set(index, leaf);
      for (const peer of this.#peers.values()) {
        const published = peer.chunks.leaves.get(index);
        if (published !== undefined && !sameLeaf(published, leaf)) this.#refute(peer);
      }
    }
  }

  #refute(peer: Peer): ModelError {
    if (!this.#peers.delete(peer.member)) return this.#wrong(peer.member);
    const doubtful = [...peer.taken].filter((index) => !this.#leaves.has(index));
    if (doubtful.length > 0) this.#options.onDistrust?.(new Set(doubtful));
    this.#options.onNotice({ notice: "peer_bytes_wrong", peer: peer.member, file: this.label });
    return this.#wrong(peer.member);
  }

  #inTime<T>(reading: Promise<T>, timeoutMs: number): Promise<T> {
    const late = { reason: "peer_read_timeout", file: this.label, timeoutMs } as const;
    return beforeDeadline(reading, timeoutMs, late);
  }

  #notHeld(): ModelError {
    return new ModelError({ reason: "range_not_held", file: this.label });
  }

  #wrong(peer: MemberId): ModelError {
    return new ModelError({ reason: "peer_bytes_wrong", peer, file: this.label });
  }
}
