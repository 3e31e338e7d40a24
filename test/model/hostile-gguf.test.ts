/**
 * Hostile headers: each opens or is refused with a `ModelError`, at once, and
 * without an allocation larger than the file (reads never reach past its end).
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blobSource, type ByteSource } from "../../src/model/byte-source.ts";
import { scanHeader } from "../../src/model/gguf-scan.ts";
import { ModelError } from "../../src/model/model-error.ts";
import { openModel } from "../../src/model/open-model.ts";
import { tinyModel } from "../../tools/gguf/tiny-gguf.ts";

/** Far above what a file of some kilobytes takes, far below a hang. */
const AT_ONCE_MS = 2000;

async function openOrRefuse(bytes: Uint8Array<ArrayBuffer>): Promise<"opened" | ModelError> {
  const blob = blobSource(new Blob([bytes]), "hostile.gguf");
  const source: ByteSource = {
    ...blob,
    read(offset, length) {
      expect(offset + length).toBeLessThanOrEqual(bytes.length);
      return blob.read(offset, length);
    },
  };
  const start = performance.now();
  try {
    await openModel(source, { kind: "url", url: "http://x/hostile.gguf" });
    return "opened";
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  } finally {
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  }
}

const good = tinyModel();
const scan = scanHeader(good, good.length);
const headerBytes = scan.kind === "complete" ? scan.headerBytes : NaN;

test("the file that is broken below is good", async () => {
  expect(headerBytes).toBeGreaterThan(1000);
  expect(await openOrRefuse(good)).toBe("opened");
});

describe("a number that claims too much", () => {
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
  ["an empty file", new Uint8Array(0), /ends within its header/],
  ["a web page", new TextEncoder().encode("<!DOCTYPE html><html></html>"), /letters GGUF/],
  ["only the magic", new TextEncoder().encode("GGUF"), /ends within its header/],
])("%s is named", async (_name, bytes, message) => {
  const refusal = await openOrRefuse(bytes);
  expect(refusal).toBeInstanceOf(ModelError);
  expect((refusal as ModelError).message).toMatch(message);
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
  const refusal = await openOrRefuse(bytes);
  expect((refusal as ModelError).message).toMatch(/nests arrays too deeply/);
});

test("a file cut anywhere is called truncated", async () => {
  for (let length = 24; length < good.length; length += 1 + (length >> 4)) {
    const refusal = await openOrRefuse(good.slice(0, length));
    expect(refusal).toBeInstanceOf(ModelError);
    expect((refusal as ModelError).reason).toBe("truncated");
  }
});

test("random bytes in the header never hang and never break out", async () => {
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

test("a header that grows without end is refused at the limit, not read", () => {
  const prefix = good.slice(0, 24);
  const scanned = scanHeader(prefix, 2 ** 50);
  expect(scanned.kind).toBe("more");
  new DataView(prefix.buffer).setBigUint64(8, 200_001n, true);
  expect(() => scanHeader(prefix, 2 ** 50)).toThrow(/over the limit/);
});
