/** Frames are cut and joined without loss, and a hostile peer gains nothing. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/mesh/mesh-error.ts";
import { Reassembly, slices } from "../../src/mesh/slices.ts";

const SLICE = 16;
const LIMIT = 1000;

function numbered(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

test.each([0, 1, 14, 15, 16, 17, 26, 27, 41, 42, 999, 1000])("%i bytes", (length) => {
  const messages = [...slices(numbered(length), SLICE)];
  expect(Math.max(...messages.map((message) => message.length))).toBeLessThanOrEqual(SLICE);
  const reassembly = new Reassembly(LIMIT);
  const frames = messages.map((message) => reassembly.accept(message));
  expect(frames.pop()).toEqual(numbered(length));
  expect(frames.every((frame) => frame === null)).toBe(true);
});

test("frames one after another do not mix", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 10 }), (lengths) => {
      const reassembly = new Reassembly(LIMIT);
      const frames = lengths
        .flatMap((length) => [...slices(numbered(length), SLICE)])
        .map((message) => reassembly.accept(message))
        .filter((frame) => frame !== null);
      expect(frames).toEqual(lengths.map(numbered));
    }),
  );
});

test("no slice is kept, so that many tiny ones take no more than twice the frame", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const reassembly = new Reassembly(LIMIT);
  reassembly.accept(Uint8Array.of(1, 99, 0, 0, 0, 7));
  const sent: WeakRef<ArrayBuffer>[] = [];
  const send = (byte: number) => {
    const slice = Uint8Array.of(2, byte);
    sent.push(new WeakRef(slice.buffer));
    expect(reassembly.accept(slice)).toBeNull();
  };
  for (let byte = 0; byte < 90; byte += 1) send(byte);
  await new Promise((resolve) => setImmediate(resolve)); // references keep their objects until the task ends
  collect();
  expect(sent.filter((slice) => slice.deref() !== undefined)).toEqual([]);
});

describe("refused", () => {
  const first = (total: number, ...payload: number[]) => {
    const message = new Uint8Array(5 + payload.length);
    message[0] = 1;
    new DataView(message.buffer).setUint32(1, total, true);
    message.set(payload, 5);
    return message;
  };
  test.each<[string, Uint8Array<ArrayBuffer>[]]>([
    ["an empty message", [new Uint8Array(0)]],
    ["an unknown tag", [Uint8Array.of(3, 1)]],
    ["a further slice of nothing", [Uint8Array.of(2, 1)]],
    ["a first slice without bytes", [first(9)]],
    ["a first slice of a frame without bytes", [first(0, 1)]],
    ["a further slice without bytes, which could go on for ever", [first(9, 1), Uint8Array.of(2)]],
    ["a new frame inside a frame", [first(9, 1), first(9, 1)]],
    ["a whole frame inside a frame", [first(9, 1), Uint8Array.of(0, 1)]],
    ["more bytes than announced", [first(2, 1), Uint8Array.of(2, 1, 1)]],
    ["a frame announced above the limit", [first(LIMIT + 1, 1)]],
    ["a whole frame above the limit", [new Uint8Array(LIMIT + 2)]],
  ])("%s", (_, messages) => {
    const reassembly = new Reassembly(LIMIT);
    const last = messages.pop()!;
    messages.forEach((message) => expect(reassembly.accept(message)).toBeNull());
    expect(() => reassembly.accept(last)).toThrow(ProtocolError);
  });
});
