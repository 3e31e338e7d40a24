/** The decoders of bytes from other tabs. */
import { z } from "zod";
import { Control } from "../../../src/mesh/control.ts";
import {
  createAdmission,
  decode,
  openHandshake,
  MeshError,
  PROTOCOL_VERSION,
  ProtocolError,
  sortedFingerprints,
  type Transport,
} from "../../../src/mesh/index.ts";
import { FrameFields } from "../../../src/mesh/frames.ts";
import { TransportListeners } from "../../../src/mesh/transport.ts";
import { peerReaders, serveBytes } from "../../../src/mesh/peer-bytes.ts";
import { pack, unpack } from "../../../src/mesh/packet.ts";
import { parseAnswer } from "../../../src/mesh/room-registry.ts";
import { Reassembly, slices } from "../../../src/mesh/slices.ts";
import {
  createRoomSecret,
  MemberId,
  parseJson,
  parseUntrusted,
  RoomCode,
  SYSTEM_CLOCK,
} from "../../../src/shared/index.ts";
import type { Random } from "../../../tools/placement/random.ts";
import type { FuzzTarget } from "../../../tools/fuzz/fuzz.ts";
import { type Bytes, mutatedBytes, mutatedText, randomBytes } from "../../../tools/fuzz/mutate.ts";
import { sampleFrame } from "../../../tools/fuzz/sample-frames.ts";
import { jsonOf, valueOf } from "../../../tools/fuzz/values.ts";

const isProtocolError = (error: unknown) => error instanceof ProtocolError;

export const frames: FuzzTarget<Bytes> = {
  name: "frames",
  generate: (random) =>
    random.pick([
      () => randomBytes(random),
      () => mutatedBytes([sampleFrame(random), sampleFrame(random)], random),
      () => pack(valueOf(FrameFields, random), new Uint8Array(4 * random.whole(0, 4))),
    ])(),
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

const HELLO = {
  type: "hello",
  protocol: PROTOCOL_VERSION,
  member: "tab-1",
  nonce: "0".repeat(64),
  holds: "secret",
};
const PROOF = { type: "proof", mac: "1".repeat(64) };

const CONTROL: readonly string[] = [
  JSON.stringify(HELLO),
  JSON.stringify(PROOF),
  JSON.stringify({ type: "share", share: "2".repeat(64) }),
  JSON.stringify({ type: "confirm", tag: "3".repeat(128) }),
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

const HANDSHAKES: readonly string[] = [
  JSON.stringify([HELLO, PROOF]),
  JSON.stringify([
    { ...HELLO, holds: "code" },
    { type: "share", share: "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76" },
    { type: "confirm", tag: "3".repeat(128) },
  ]),
];
const [SELF, PEER] = [MemberId.parse("tab-0"), MemberId.parse("tab-1")];
const CODE = RoomCode.parse("ABCDEF");
const SECRET = createRoomSecret();

/** A list of messages to a coordinator from a stranger, who must not get in. */
export const handshakes: FuzzTarget<string> = {
  name: "handshakes",
  generate: (random) => mutatedText(HANDSHAKES, random),
  decode(text) {
    const admission = createAdmission(CODE, SECRET, SYSTEM_CLOCK);
    admission.refuseCodes = () => null;
    const handshake = openHandshake({
      self: SELF,
      peer: PEER,
      role: "callee",
      protocol: PROTOCOL_VERSION,
      admission,
      fingerprints: () => sortedFingerprints("a", "b"),
      tell: () => undefined,
      onProven: () => {
        throw new Error("a stranger got in");
      },
      onRefused: () => undefined,
    });
    const messages = parseJson(text);
    if (Array.isArray(messages)) messages.forEach((message) => handshake.receive(message));
  },
  isRefusal: () => false,
  // CPace's big integers: short-lived values, whatever the input. `GuessLimit` bounds how often.
  allowedBytes: 4 * 2 ** 20,
};

const ANSWERS: readonly string[] = [
  JSON.stringify({ protocol: PROTOCOL_VERSION, coordinator: "tab-1" }),
  JSON.stringify({ protocol: PROTOCOL_VERSION + 1, coordinator: "tab-1", more: [] }),
];

/** What a tab that holds a room's name answers to a look-up. */
export const registryAnswers: FuzzTarget<string> = {
  name: "registry-answers",
  generate: (random) => mutatedText(ANSWERS, random),
  decode: (text) => parseAnswer(text, CODE),
  isRefusal: () => false,
};

/** A transport to `PEER` that records what is sent and receives what `events` are told. */
function recordingTransport() {
  const sent: Bytes[] = [];
  const events = new TransportListeners();
  const done = () => Promise.resolve();
  const transport: Transport = {
    self: SELF,
    connect: done,
    send: done,
    sendBytes(_peer, bytes) {
      sent.push(bytes);
      return done();
    },
    disconnect: () => undefined,
    check: () => undefined,
    dropSilent: () => false,
    provenBy: () => "secret",
    connectedPeers: () => [PEER],
    events,
    close: () => undefined,
  };
  return { transport, events, sent };
}

const MAX_RANGE_BYTES = 4 * 2 ** 20;

function requestBytes(): Bytes {
  const { transport, sent } = recordingTransport();
  void peerReaders(transport)(PEER, "a.gguf").read(1000, 10);
  return sent[0]!;
}

const REQUEST = requestBytes();

/** A request for a range of a file. */
export const rangeRequests: FuzzTarget<Bytes> = {
  name: "range-requests",
  generate: (random) => mutatedBytes([REQUEST], random),
  async decode(bytes) {
    const { transport, events, sent } = recordingTransport();
    serveBytes(transport, () => (offset, length) => {
      if (!Number.isSafeInteger(offset) || offset < 0 || length > MAX_RANGE_BYTES)
        throw new Error(`${length} bytes at ${offset} were asked for`);
      return Promise.resolve(new Uint8Array(1));
    });
    events.bytes.emit(PEER, bytes);
    await Promise.resolve();
    if (sent.length > 1) throw new Error("two answers");
  },
  isRefusal: () => false,
};

/** The answer to a request for ten bytes, which are passed on whole or not at all. */
export const rangeAnswers: FuzzTarget<Bytes> = {
  name: "range-answers",
  generate: (random) =>
    mutatedBytes([pack({ type: "answer", id: 0 }, new Uint8Array(10)), REQUEST], random),
  async decode(bytes) {
    const { transport, events, sent } = recordingTransport();
    const reading = peerReaders(transport)(PEER, "a.gguf").read(0, 10);
    events.bytes.emit(PEER, withIdOf(sent[0]!, bytes));
    events.disconnect.emit(PEER, { reason: "channel_closed" });
    const read = await reading;
    if (read.length !== 10) throw new Error(`${read.length} bytes instead of 10`);
  },
  isRefusal: (error) => error instanceof MeshError,
};

const WithId = z.looseObject({ id: z.int() });

/** The id of an answer is the reader's own, or every answer would be ignored. */
function withIdOf(request: Bytes, answer: Bytes): Bytes {
  try {
    const { header, payload } = unpack(WithId, answer);
    return pack({ ...header, id: unpack(WithId, request).header.id }, payload);
  } catch (error) {
    if (!isProtocolError(error)) throw error;
    return answer; // it has no id
  }
}
