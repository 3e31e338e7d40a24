/** The writer grows without losing a byte, whichever call makes it grow. */
import { expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../src/mesh/bytes.ts";
import { ProtocolError } from "../../src/mesh/mesh-error.ts";

test.each([1, 2, 3, 7, 64, 1000])("numbers and text come back, from %i bytes on", (expected) => {
  const writer = new ByteWriter(expected);
  writer.u8(200);
  writer.u16(60_000);
  writer.u32(4_000_000_000);
  writer.f32(0.5);
  writer.f64(Math.PI);
  writer.text("größer 😀".repeat(50));
  writer.raw(Uint8Array.of(1, 2, 3));
  writer.u32s(Uint32Array.of(4, 0xffff_ffff));
  const reader = new ByteReader(writer.finish());
  expect([reader.u8(), reader.u16(), reader.u32()]).toEqual([200, 60_000, 4_000_000_000]);
  expect([reader.f32(), reader.f64()]).toEqual([0.5, Math.PI]);
  expect(reader.text()).toBe("größer 😀".repeat(50));
  expect(reader.raw(3)).toEqual(Uint8Array.of(1, 2, 3));
  expect(reader.u32s(2)).toEqual(Uint32Array.of(4, 0xffff_ffff));
  expect(() => reader.end()).not.toThrow();
});

test("text above 65,535 bytes is cut at a character", () => {
  const writer = new ByteWriter();
  writer.text("😀".repeat(20_000));
  const text = new ByteReader(writer.finish()).text();
  expect(text).toBe("😀".repeat(16_383));
});

test("text that is not UTF-8 is refused", () => {
  expect(() => new ByteReader(Uint8Array.of(1, 0, 0xff)).text()).toThrow(ProtocolError);
});
