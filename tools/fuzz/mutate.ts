/** Mutations of a valid message: what a hostile or broken sender could make of it. */
import type { Random } from "../placement/random.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

const MAX_EDITS = 4;
/** Boundaries of counts, lengths, and signs. */
const NUMBERS: readonly number[] = [
  ...[0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000],
  ...[0xfffff, 0x1000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff],
];
const DOUBLES: readonly number[] = [
  ...[NaN, Infinity, -Infinity, -0, -1, 0.5, Number.MIN_VALUE, Number.MAX_VALUE],
  ...[Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 63, -(2 ** 63), 2 ** 32, 1e-320],
];
const TEXTS: readonly string[] = [
  ...["", "null", "-1", "1e999", "NaN", "{}", "[]", '"', "\\", "\\u0000", "\ud800", "\u2028"],
  ...["__proto__", "constructor", "é", "😀", "\0", ",", ":", "}", "]", "[[[[[[[[", '{"a":'],
  ...["9007199254740993", "0x10", "true", "../..", "%00", "\r\n", "\ufeff"],
];

/** One to four edits of one of `samples`, which must not be empty. */
export function mutatedBytes(samples: readonly Bytes[], random: Random): Bytes {
  let bytes = random.pick(samples);
  for (let edits = random.whole(1, MAX_EDITS); edits > 0; edits--)
    bytes = editedBytes(bytes, samples, random);
  return bytes;
}

/** The same for text. */
export function mutatedText(samples: readonly string[], random: Random): string {
  let text = random.pick(samples);
  for (let edits = random.whole(1, MAX_EDITS); edits > 0; edits--)
    text = editedText(text, samples, random);
  return text;
}

/** Bytes without any structure, mostly few. */
export function randomBytes(random: Random, maxBytes = 300): Bytes {
  const length = Math.floor(maxBytes * random.between(0, 1) ** 3);
  return Uint8Array.from({ length }, () => random.whole(0, 255));
}

function editedBytes(bytes: Bytes, samples: readonly Bytes[], random: Random): Bytes {
  const [start, end] = range(bytes.length, random);
  const copy = () => Uint8Array.from(bytes);
  switch (random.whole(0, 8)) {
    case 0: {
      const flipped = copy();
      if (start < flipped.length) flipped[start]! ^= 1 << random.whole(0, 7);
      return flipped;
    }
    case 1:
      return overwritten(copy(), start, random);
    case 2:
      return bytes.slice(0, start);
    case 3:
      return joined(bytes.subarray(0, start), bytes.subarray(end));
    case 4:
      return joined(bytes.subarray(0, end), bytes.subarray(start));
    case 5:
      return joined(bytes.subarray(0, start), randomBytes(random, 40), bytes.subarray(start));
    case 6:
      return joined(bytes.subarray(0, start), random.pick(samples).subarray(start));
    case 7:
      return joined(bytes, randomBytes(random, 20));
    default: {
      const filled = copy();
      return filled.fill(random.pick([0, 1, 0x7f, 0xff]), start, end);
    }
  }
}

/** A boundary as a number of 1, 2, 4, or 8 bytes at `at`, in either byte order. */
function overwritten(bytes: Bytes, at: number, random: Random): Bytes {
  const view = new DataView(bytes.buffer);
  const width = random.pick(
    [1, 2, 4, 8, -4, -8].filter((size) => at + Math.abs(size) <= bytes.length).concat(0),
  );
  const isLittle = random.whole(0, 4) > 0;
  const number = random.pick(NUMBERS);
  if (width === 1) view.setUint8(at, number);
  if (width === 2) view.setUint16(at, number, isLittle);
  if (width === 4) view.setUint32(at, number, isLittle);
  if (width === 8) view.setBigUint64(at, BigInt(number) << BigInt(random.pick([0, 32])), isLittle);
  if (width === -4) view.setFloat32(at, random.pick(DOUBLES), isLittle);
  if (width === -8) view.setFloat64(at, random.pick(DOUBLES), isLittle);
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function editedText(text: string, samples: readonly string[], random: Random): string {
  const [start, end] = range(text.length, random);
  const [before, middle, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  switch (random.whole(0, 7)) {
    case 0:
      return before;
    case 1:
      return before + after;
    case 2:
      return before + middle + middle + after;
    case 3:
      return before + random.pick(TEXTS) + text.slice(start);
    case 4:
      return before + random.pick(TEXTS) + after;
    case 5:
      return before + random.pick(samples).slice(start);
    case 6:
      return (
        before +
        String.fromCharCode(random.pick([random.whole(0, 127), 0xd800, 0xfffe])) +
        text.slice(start + 1)
      );
    default:
      return withOtherNumber(text, random);
  }
}

/** Replaces one of the text's numbers by a boundary. */
function withOtherNumber(text: string, random: Random): string {
  const numbers = [...text.matchAll(/-?\d+(\.\d+)?/g)];
  if (numbers.length === 0) return text;
  const { 0: found, index } = random.pick(numbers);
  const other = random.pick([...NUMBERS, ...DOUBLES, -1, 1e21]);
  return text.slice(0, index) + String(other) + text.slice(index + found.length);
}

/** `[start, end)`, mostly short. */
function range(length: number, random: Random): [number, number] {
  const start = random.whole(0, length);
  return [start, Math.min(length, start + Math.floor(length * random.between(0, 1) ** 4) + 1)];
}
