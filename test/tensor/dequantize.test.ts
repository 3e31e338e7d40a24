/** Bit for bit as llama.cpp's own code dequantizes the same blocks (scripts/goldens/dequantize.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BLOCK_FORMATS, rowBytes, type BlockFormat } from "../../src/tensor/block-format.ts";
import { dequantize } from "../../src/tensor/dequantize.ts";

const formats = Object.keys(BLOCK_FORMATS) as BlockFormat[];

function golden(format: BlockFormat): { blocks: Uint8Array; weights: Uint32Array } {
  const path = new URL(`../goldens/dequantize/${format}.json`, import.meta.url);
  const { blocks, weights } = JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
  return {
    blocks: new Uint8Array(Buffer.from(blocks!, "base64")),
    weights: new Uint32Array(new Uint8Array(Buffer.from(weights!, "base64")).buffer),
  };
}

describe.each(formats)("%s", (format) => {
  test("agrees with llama.cpp to the bit", () => {
    const { blocks, weights } = golden(format);
    const ours = new Uint32Array(dequantize(format, blocks).buffer);
    expect(ours.length).toBe(weights.length);
    expect(ours.length).toBeGreaterThanOrEqual(1024);
    const wrong = [...ours].flatMap((bits, i) => (bits === weights[i] ? [] : [i]));
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test("rejects bytes that are not whole blocks", () => {
    const bytes = BLOCK_FORMATS[format].bytes;
    expect(() => dequantize(format, new Uint8Array(bytes + 1))).toThrow(/whole/);
  });
});

test("a block of Q4_1 worked by hand", () => {
  const bytes = new Uint8Array(20);
  bytes.set([0x00, 0x38, 0x00, 0xc0]); // d = 0.5, m = -2
  bytes[4] = 0xf3; // element 0 is 3, element 16 is 15
  const weights = dequantize("Q4_1", bytes);
  expect([weights[0], weights[16], weights[1]]).toEqual([-0.5, 5.5, -2]);
});

test("rows hold whole blocks", () => {
  expect(rowBytes("Q4_K", 512)).toBe(288);
  expect(() => rowBytes("Q4_K", 300)).toThrow(/whole blocks of 256/);
});
