/**
 * Hostile headers: each opens or is refused with a `ModelError`, after a bounded number
 * of reads that never reach past the file's end.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blobSource, type ByteSource } from "../../src/model/byte-source.ts";
import { scanHeader } from "../../src/model/gguf-scan.ts";
import { ModelError } from "../../src/model/model-error.ts";
import { openModel } from "../../src/model/open-model.ts";
import type { GgufTensor, GgufValue } from "../../tools/gguf/gguf-writer.ts";
import { tinyModel, type TinyModelOptions } from "../../tools/gguf/tiny-gguf.ts";

/** A header is read in pieces of at least twice the previous length, and rope_freqs once. */
const MAX_READS = 8;

async function openOrRefuse(bytes: Uint8Array<ArrayBuffer>): Promise<"opened" | ModelError> {
  const blob = blobSource(new Blob([bytes]), "hostile.gguf");
  let reads = 0;
  const source: ByteSource = {
    ...blob,
    read(offset, length) {
      expect((reads += 1)).toBeLessThanOrEqual(MAX_READS);
      expect(offset + length).toBeLessThanOrEqual(bytes.length);
      return blob.read(offset, length);
    },
  };
  try {
    await openModel(source, { kind: "url", url: "http://x/hostile.gguf" });
    return "opened";
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
}

const good = tinyModel();
const scan = scanHeader(good, good.length);
const headerBytes = scan.kind === "complete" ? scan.headerBytes : NaN;

test("the file that the cases below modify is valid", async () => {
  expect(headerBytes).toBeGreaterThan(1000);
  expect(await openOrRefuse(good)).toBe("opened");
});

describe("a count that is too large", () => {
  const withU64 = (offset: number, value: bigint): Uint8Array<ArrayBuffer> => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setBigUint64(offset, value, true);
    return bytes;
  };
  test.each([
    ["2^60 tensors", 8, 2n ** 60n],
    ["2^64 - 1 tensors", 8, 2n ** 64n - 1n],
    ["more tensors than fit", 8, 100_000n],
    ["2^60 keys", 16, 2n ** 60n],
    ["more keys than fit", 16, 99_999n],
    ["a key of 2^63 bytes", 24, 2n ** 63n],
    ["a key longer than the file", 24, BigInt(good.length)],
  ])("%s", async (_name, offset, value) => {
    expect(await openOrRefuse(withU64(offset, value))).toBeInstanceOf(ModelError);
  });

  test("every 8 bytes of the header set to 2^60", async () => {
    for (let offset = 8; offset + 8 <= Math.min(headerBytes, 1500); offset++) {
      await openOrRefuse(withU64(offset, 2n ** 60n));
    }
  });
});

test.each([
  ["an empty file", new Uint8Array(0), { reason: "truncated_header", part: "the magic number" }],
  ["a web page", new TextEncoder().encode("<!DOCTYPE html><html></html>"), { problem: "not_gguf" }],
  ["only the magic", new TextEncoder().encode("GGUF"), { reason: "truncated_header" }],
])("%s is refused", async (_name, bytes, failure) => {
  expect(await openOrRefuse(bytes)).toMatchObject({ failure });
});

describe("hostile metadata is refused by name", () => {
  const u64 = (value: bigint) => ({ type: "u64", value }) as const;
  const u32 = (value: number) => ({ type: "u32", value }) as const;
  const withMetadata = (key: string, value: GgufValue): TinyModelOptions => ({
    metadata: { [key]: value },
  });
  const withTensor = (change: Partial<GgufTensor>): TinyModelOptions => ({
    change: (tensors) => tensors.map((t, i) => (i === 3 ? { ...t, ...change } : t)),
  });
  const long = "x".repeat(1_000_000);
  test.each<[string, TinyModelOptions, object]>([
    [
      "2^32 - 1 layers",
      withMetadata("llama.block_count", u32(2 ** 32 - 1)),
      { problem: "over_limit" },
    ],
    ["2^40 layers", withMetadata("llama.block_count", u64(2n ** 40n)), { problem: "over_limit" }],
    [
      "2^63 layers",
      withMetadata("llama.block_count", u64(2n ** 63n)),
      { problem: "wrong_value_type" },
    ],
    [
      "heads of 2^40",
      withMetadata("llama.attention.key_length", u64(2n ** 40n)),
      { problem: "over_limit" },
    ],
    [
      "heads of 2^31",
      withMetadata("llama.attention.key_length", u32(2 ** 31)),
      { problem: "over_limit" },
    ],
    [
      "an alignment of 2^31",
      withMetadata("general.alignment", u32(2 ** 31)),
      { problem: "invalid_value" },
    ],
    ["a key of 10^6 characters", withMetadata(long, u32(1)), { problem: "over_limit" }],
    ["an architecture of 10^6 characters", { architecture: long }, { problem: "over_limit" }],
    [
      "a tokenizer of 10^6 characters",
      withMetadata("tokenizer.ggml.model", { type: "string", value: long }),
      { feature: "tokenizer" },
    ],
    ["a tensor's name of 10^6 characters", withTensor({ name: long }), { problem: "over_limit" }],
    [
      "a tensor of 2^60 rows",
      withTensor({ shape: [32, 2 ** 60] }),
      { problem: "unreadable_header" },
    ],
    [
      "a tensor of 2^32 x 2^32",
      withTensor({ shape: [2 ** 32, 2 ** 32] }),
      { reason: "truncated_tensor" },
    ],
    ["an offset of 2^63", withTensor({ offset: 2 ** 63 }), { reason: "truncated_tensor" }],
    [
      "an offset that wraps around to the file",
      withTensor({ offset: 2 ** 64 - 4096 }),
      { reason: "truncated_tensor" },
    ],
    [
      "an offset within another tensor",
      withTensor({ offset: 0 }),
      { problem: "overlapping_tensors" },
    ],
  ])("%s", async (_name, options, failure) => {
    const refused = await openOrRefuse(tinyModel(options));
    expect(refused).toMatchObject({ failure });
    // The failure travels to other members.
    expect(JSON.stringify((refused as ModelError).failure).length).toBeLessThan(2000);
  });
});

test("arrays nested without end are refused", async () => {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("GGUF"));
  view.setUint32(4, 3, true);
  view.setBigUint64(16, 1n, true);
  view.setBigUint64(24, 1n, true);
  bytes[32] = 97;
  view.setUint32(33, 9, true);
  for (let at = 37; at + 12 < bytes.length; at += 12) {
    view.setUint32(at, 9, true);
    view.setBigUint64(at + 4, 1n, true);
  }
  expect(await openOrRefuse(bytes)).toMatchObject({ failure: { problem: "nested_too_deeply" } });
});

test("every prefix of a file is refused as truncated", async () => {
  for (let length = 24; length < good.length; length += 1 + (length >> 4)) {
    const reason = expect.stringMatching(/^truncated_/) as string;
    expect(await openOrRefuse(good.slice(0, length))).toMatchObject({ failure: { reason } });
  }
});

test("random bytes in the header open or are refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: headerBytes - 1 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 8,
      }),
      async (changes) => {
        const bytes = good.slice();
        for (const [offset, value] of changes) bytes[offset] = value;
        await openOrRefuse(bytes);
      },
    ),
    { numRuns: 300 },
  );
});

test("a header over the limit is refused before it is read", () => {
  const prefix = good.slice(0, 24);
  const scanned = scanHeader(prefix, 2 ** 50);
  expect(scanned.kind).toBe("more");
  new DataView(prefix.buffer).setBigUint64(8, 200_001n, true);
  expect(() => scanHeader(prefix, 2 ** 50)).toThrow(
    expect.objectContaining({
      failure: expect.objectContaining({ problem: "over_limit" }) as object,
    }) as Error,
  );
});
