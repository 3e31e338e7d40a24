/** The decoders of bytes from other tabs. */
import { Control } from "../../../src/mesh/control.ts";
import { decode, ProtocolError } from "../../../src/mesh/index.ts";
import { parseJson } from "../../../src/mesh/json.ts";
import { Reassembly, slices } from "../../../src/mesh/slices.ts";
import { parseUntrusted } from "../../../src/shared/index.ts";
import type { Random } from "../../../tools/placement/random.ts";
import type { FuzzTarget } from "../../../tools/fuzz/fuzz.ts";
import { type Bytes, mutatedBytes, mutatedText, randomBytes } from "../../../tools/fuzz/mutate.ts";
import { sampleFrame } from "../../../tools/fuzz/sample-frames.ts";
import { jsonOf } from "../../../tools/fuzz/values.ts";

const isProtocolError = (error: unknown) => error instanceof ProtocolError;

export const frames: FuzzTarget<Bytes> = {
  name: "frames",
  generate: (random) =>
    random.whole(0, 19) === 0
      ? randomBytes(random)
      : mutatedBytes([sampleFrame(random), sampleFrame(random)], random),
  decode: (bytes) => decode(bytes),
  isRefusal: isProtocolError,
};

const MAX_FRAME_BYTES = 4096;
const SLICE_BYTES = 32;

/** Messages one after another, each with its length as a u16 before it. */
export const sliced: FuzzTarget<Bytes> = {
  name: "slices",
  generate: (random) => mutatedBytes([packed(random), packed(random)], random),
  decode(bytes) {
    const reassembly = new Reassembly(MAX_FRAME_BYTES);
    for (let at = 0; at + 2 <= bytes.length;) {
      const end = at + 2 + (bytes[at]! | (bytes[at + 1]! << 8));
      const frame = reassembly.accept(bytes.slice(at + 2, end));
      if (frame !== null && frame.length > MAX_FRAME_BYTES)
        throw new Error("a frame over the limit");
      at = end;
    }
  },
  isRefusal: isProtocolError,
};

function packed(random: Random): Bytes {
  const messages = [...slices(sampleFrame(random), SLICE_BYTES)];
  const all = messages.flatMap((message) => [
    message.length & 0xff,
    message.length >> 8,
    ...message,
  ]);
  return Uint8Array.from(all);
}

const CONTROL: readonly string[] = [
  '{"type":"hello","protocol":2,"member":"tab-1"}',
  '{"type":"welcome"}',
  '{"type":"bye","failure":{"reason":"peer_silent","peer":"tab-1"}}',
  '{"type":"message","body":{"type":"leave"}}',
];

export const control: FuzzTarget<string> = {
  name: "control",
  generate: (random) =>
    random.whole(0, 2) === 0 ? jsonOf(Control, random) : mutatedText(CONTROL, random),
  decode: (text) => parseUntrusted(Control, parseJson(text)),
  isRefusal: () => false,
};
