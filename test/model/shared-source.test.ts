/** Bytes from members: which are trusted, which are checked, and which member is named. */
import { describe, expect, test } from "vitest";
import {
  CHUNK_BYTES,
  type ChunkMap,
  decodeChunkMap,
  encodeChunkMap,
  leavesOf,
  rootOf,
} from "../../src/model/chunks.ts";
import { urlContentId } from "../../src/model/open-model.ts";
import type { PeerFile } from "../../src/model/byte-source.ts";
import { SharedSource } from "../../src/model/shared-source.ts";
import type { ModelNotice } from "../../src/shared/model-failure.ts";
import { MemberId } from "../../src/shared/ids.ts";
import { hashed, recorded, sameBytes } from "./recorded-source.ts";

const CHUNKS = 10;
const file = Uint8Array.from(
  { length: CHUNKS * CHUNK_BYTES - 1000 },
  (_, i) => (i * 13 + (i >> 12)) & 0xff,
);
const leaves = await leavesOf(recorded(file));
const root = await rootOf(file.length, leaves);
const LIAR = MemberId.parse("liar");
const [ANNA, BEN] = [MemberId.parse("anna"), MemberId.parse("ben")];

const allChunks: ChunkMap = {
  held: new Set(leaves.keys()),
  leaves: new Map(leaves.entries()),
};

/** A member with all chunks; `bytes` and `chunks` are what it says that they are. */
function peer(member: MemberId, bytes: Uint8Array<ArrayBuffer> = file, chunks = allChunks) {
  const source = recorded(bytes);
  const map = recorded(encodeChunkMap(chunks, file.length));
  return { member, bytes: source, map, reads: source.reads } satisfies PeerFile & {
    reads: unknown;
  };
}

function changed(...chunks: number[]): Uint8Array<ArrayBuffer> {
  const bytes = file.slice();
  for (const chunk of chunks) bytes[chunk * CHUNK_BYTES + 5]! ^= 1;
  return bytes;
}

/** A map with the leaves of other bytes, which the member sends: a lie that is consistent. */
async function mapOf(bytes: Uint8Array<ArrayBuffer>): Promise<ChunkMap> {
  const own = await leavesOf(recorded(bytes));
  return { held: new Set(own.keys()), leaves: new Map(own.entries()) };
}

function open(kind: "picked" | "url", random = () => 0.5) {
  const origin = recorded(file);
  const notices: ModelNotice[] = [];
  const distrusted: number[] = [];
  const source = new SharedSource({
    fileBytes: file.length,
    label: "a.gguf",
    origin: kind === "url" ? hashed(origin) : null,
    root: kind === "url" ? null : root,
    onNotice: (notice) => notices.push(notice),
    onDistrust: (chunks) => distrusted.push(...chunks),
    random,
  });
  return { source, notices, distrusted, origin };
}

const chunk = (source: SharedSource, index: number) =>
  source.read(index * CHUNK_BYTES, Math.min(CHUNK_BYTES, file.length - index * CHUNK_BYTES));

describe("the id of a model", () => {
  test("of a picked file differs for every byte, and for the length", async () => {
    for (const other of [changed(CHUNKS - 1), file.slice(0, -1)])
      expect(await rootOf(other.length, await leavesOf(recorded(other)))).not.toBe(root);
  });

  test("of a URL is that of its address, header, and length", async () => {
    const header = file.slice(0, 100);
    const id = await urlContentId("https://a.example/m.gguf", header, 1000);
    expect(await urlContentId("https://a.example/m.gguf", header, 1000)).toBe(id);
    expect(await urlContentId("https://b.example/m.gguf", header, 1000)).not.toBe(id);
    expect(await urlContentId("https://a.example/m.gguf", header, 1001)).not.toBe(id);
    expect(await urlContentId("https://a.example/m.gguf", file.slice(1, 101), 1000)).not.toBe(id);
  });

  test("is SHA-256 of the prefix, the length, and the leaves", async () => {
    // printf 'tabmesh-tree-1\n\x03\0\0\0\0\0\0\0' and the hash of "abc", through sha256sum
    const abc = new TextEncoder().encode("abc");
    expect(await rootOf(3, await leavesOf(recorded(abc)))).toBe(ROOT_OF_ABC);
  });
});

test("a map survives its bytes; another length, or another flag, is refused", () => {
  const part: ChunkMap = { held: new Set([1, 3]), leaves: new Map([[1, leaves[1]!]]) };
  const bytes = encodeChunkMap(part, file.length);
  expect(decodeChunkMap(bytes, file.length)).toEqual(part);
  expect(decodeChunkMap(bytes.slice(1), file.length)).toBeNull();
  bytes[0] = 2;
  expect(decodeChunkMap(bytes, file.length)).toBeNull();
  expect(() => decodeChunkMap(bytes, 2 ** 52)).toThrow("over_limit");
});

describe("a picked file", () => {
  test("is read in whole chunks from those that have it", async () => {
    const { source, notices } = open("picked");
    await source.addPeers([peer(ANNA), peer(BEN)]);
    const [offset, length] = [CHUNK_BYTES - 3, 3 * CHUNK_BYTES];
    const bytes = await source.read(offset, length);
    expect(sameBytes(bytes, file.subarray(offset, offset + length))).toBe(true);
    expect(notices).toEqual([]);
  });

  test("is assembled from members that each have a part", async () => {
    const { source } = open("picked");
    const part = (held: number[]): ChunkMap => ({ ...allChunks, held: new Set(held) });
    await source.addPeers([peer(ANNA, file, part([0, 1, 4])), peer(BEN, file, part([2, 3]))]);
    const bytes = await source.read(0, 5 * CHUNK_BYTES);
    expect(sameBytes(bytes, file.subarray(0, 5 * CHUNK_BYTES))).toBe(true);
    await expect(source.read(0, 6 * CHUNK_BYTES)).rejects.toMatchObject({
      failure: { reason: "range_not_held" },
    });
  });

  test("a wrong byte is never passed on, and its sender is named once", async () => {
    const { source, notices } = open("picked");
    // The one that was added first is asked first.
    for (const one of [peer(LIAR, changed(...leaves.keys())), peer(ANNA)])
      await source.addPeers([one]);
    for (let index = 0; index < CHUNKS; index++)
      expect(
        sameBytes(
          await chunk(source, index),
          file.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
        ),
      ).toBe(true);
    expect(notices).toEqual([{ notice: "peer_bytes_wrong", peer: LIAR, file: "a.gguf" }]);
  });

  test("leaves that do not make the root are refused", async () => {
    const { source } = open("picked");
    const forged = changed(7);
    await expect(source.addPeers([peer(LIAR, forged, await mapOf(forged))])).rejects.toMatchObject({
      failure: { reason: "peer_bytes_wrong", peer: LIAR },
    });
    await expect(chunk(source, 7)).rejects.toMatchObject({ failure: { reason: "range_not_held" } });
  });
});

describe("a URL", () => {
  test("is read from members, and a part of it from the source to compare", async () => {
    const { source, origin, notices } = open("url");
    const anna = peer(ANNA);
    await source.addPeers([anna]);
    for (let index = 0; index < CHUNKS; index++) await chunk(source, index);
    expect(anna.reads.filter(([, length]) => length > 0)).toHaveLength(CHUNKS);
    expect(origin.reads).toEqual([[0, CHUNK_BYTES]]);
    expect(notices).toEqual([]);
  });

  test("the first bytes of a member are compared, whatever hash it claims", async () => {
    const { source, origin, notices } = open("url");
    const forged = changed(...leaves.keys());
    await source.addPeers([peer(LIAR, forged, await mapOf(forged))]);
    expect(sameBytes(await chunk(source, 3), file.subarray(3 * CHUNK_BYTES, 4 * CHUNK_BYTES))).toBe(
      true,
    );
    expect(notices).toEqual([{ notice: "peer_bytes_wrong", peer: LIAR, file: "a.gguf" }]);
    expect(sameBytes(await chunk(source, 4), file.subarray(4 * CHUNK_BYTES, 5 * CHUNK_BYTES))).toBe(
      true,
    );
    expect(origin.reads.length).toBeGreaterThan(1);
  });

  test.each([
    [0.2, 1],
    [0.5, 0],
  ])("of bytes that are read at once, one chunk is compared, here at %f", async (dice, caught) => {
    const { source, origin, notices } = open("url", () => dice);
    const forged = changed(1);
    await source.addPeers([peer(LIAR, forged, await mapOf(forged))]);
    const bytes = await source.read(0, 8 * CHUNK_BYTES);
    expect(origin.reads[0]).toEqual([Math.floor(8 * dice) * CHUNK_BYTES, CHUNK_BYTES]);
    expect(notices).toHaveLength(caught);
    expect(sameBytes(bytes, file.subarray(0, 8 * CHUNK_BYTES))).toBe(caught === 1);
  });

  test("if members disagree, the source decides, and an honest member is not named", async () => {
    const { source, notices } = open("url");
    const forged = changed(9);
    await source.addPeers([peer(LIAR, forged, await mapOf(forged)), peer(ANNA)]);
    expect(
      sameBytes(await chunk(source, 9), file.subarray(9 * CHUNK_BYTES, 10 * CHUNK_BYTES)),
    ).toBe(true);
    expect(notices).toEqual([{ notice: "peer_bytes_wrong", peer: LIAR, file: "a.gguf" }]);
  });

  test("once a member is caught, what it sent unchecked is read again", async () => {
    let dice = 0.5;
    const { source, notices, distrusted, origin } = open("url", () => dice);
    const forged = changed(2, 7);
    await source.addPeers([peer(LIAR, forged, await mapOf(forged))]);
    for (const index of [0, 1, 2, 3]) await chunk(source, index);
    expect(origin.reads).toEqual([[0, CHUNK_BYTES]]);
    dice = 0;
    expect(sameBytes(await chunk(source, 7), file.subarray(7 * CHUNK_BYTES, 8 * CHUNK_BYTES))).toBe(
      true,
    );
    expect(notices).toEqual([{ notice: "peer_bytes_wrong", peer: LIAR, file: "a.gguf" }]);
    expect(distrusted).toEqual([1, 2, 3]);
  });
});

const ROOT_OF_ABC = "2559e225e6aaf994201861ecab74dac13370e21c84e02c74160b2f77d363b160";
