import { describe, expect, test } from "vitest";
import { BLOCK_FORMATS, rowBytes, type BlockFormat } from "../../src/tensor/block-format.ts";
import { packedRow, packRows } from "../../src/kernels/matmul/weights-pack.ts";

const formats = Object.keys(BLOCK_FORMATS) as BlockFormat[];

describe.each(formats)("%s", (format) => {
  test.each([256, 768, 4096])("a row of %d takes at most 3 %% more than in the file", (columns) => {
    const { quantBytes, metaWords } = packedRow(format, columns);
    expect(quantBytes + 4 * metaWords).toBeLessThanOrEqual(1.03 * rowBytes(format, columns));
    expect(quantBytes + 4 * metaWords).toBeGreaterThanOrEqual(rowBytes(format, columns));
  });

  test("rows of zeros and ones bits keep their number of set bits", () => {
    // Reordering loses nothing: all bits set stay all set, but for the sign bits that Q6_K turns
    // and the scales that it widens.
    const source = new Uint8Array(rowBytes(format, 512)).fill(255);
    const { quants, meta } = packRows(format, 512, [source]);
    const set = [...quants, ...meta].reduce((sum, byte) => sum + bitsOf(byte), 0);
    if (format === "Q6_K") {
      // 32 is taken from each six-bit 63: the top bit goes. The scale, NaN as f16, stays NaN.
      expect(quants.every((byte) => byte === 255)).toBe(true);
      expect(new Float32Array(meta.buffer)[0]).toBeNaN();
    } else expect(set).toBe(source.length * 8);
  });
});

function bitsOf(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}

test("rows of several sources alternate", () => {
  const a = new Uint8Array(40).fill(1), b = new Uint8Array(40).fill(2); // prettier-ignore
  const { quants } = packRows("Q4_1", 32, [a, b]);
  expect([quants[0], quants[16], quants[32], quants[48]]).toEqual([1, 2, 1, 2]);
});

test("unsupported numbers of columns and incomplete rows are rejected", () => {
  expect(() => packedRow("F16", 48)).toThrow(/48 columns.*multiple of 32/);
  expect(() => packedRow("Q4_K", 128)).toThrow(/whole blocks of 256/);
  expect(() => packRows("Q4_1", 32, [new Uint8Array(21)])).toThrow(/whole Q4_1 rows/);
  expect(() => packRows("Q4_1", 32, [new Uint8Array(20), new Uint8Array(40)])).toThrow(/whole/);
});

test.each(formats)("%s at an odd address is packed as at an even one", (format) => {
  const bytes = Uint8Array.from({ length: rowBytes(format, 256) + 1 }, (_, i) => (i * 37) & 255);
  const odd = packRows(format, 256, [bytes.subarray(1)]);
  expect(odd).toEqual(packRows(format, 256, [bytes.slice(1)]));
});
