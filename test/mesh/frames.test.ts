/** Frames decode to what was encoded, and everything else is refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/mesh/mesh-error.ts";
import { decode, encode } from "../../src/mesh/frames.ts";
import { PROTOCOL_VERSION, type Frame } from "../../src/mesh/frame-types.ts";
import { GenerationId, MemberId } from "../../src/shared/ids.ts";
import type { StageFailure } from "../../src/shared/stage-failure.ts";
import type { Sampling } from "../../src/shared/sampling.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const f32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const header = { placement: u32, epoch: u32 };
const generation = fc
  .integer({ min: 1, max: 0xffff_ffff })
  .map((value) => GenerationId.parse(value));
const requester = fc
  .stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/)
  .map((text) => MemberId.parse(text));
const u32s = (minLength: number) =>
  fc.array(u32, { minLength, maxLength: 40 }).map((values) => Uint32Array.from(values));
const bytes = fc
  .uint8Array({ maxLength: 60 })
  .map((values): Uint8Array<ArrayBuffer> => Uint8Array.from(values));
const double = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const clock = fc.record({ computeMs: f32, waitMs: f32, linkMs: f32 });
const clocks = fc.array(clock, { maxLength: 6 });
const sampling: fc.Arbitrary<Sampling> = fc.record({
  temperature: double(0, 10),
  topK: fc.integer({ min: 0, max: 1_000_000 }),
  topP: double(0, 1),
  minP: double(0, 1),
  repetitionPenalty: double(0.01, 10),
  presencePenalty: double(-2, 2),
  frequencyPenalty: double(-2, 2),
  penaltyTokens: fc.integer({ min: 0, max: 1024 }),
  seed: u32,
  topLogprobs: fc.integer({ min: 0, max: 20 }),
});
const segment = fc.record({
  generation,
  position: u32,
  count: fc.integer({ min: 1, max: 5 }),
  wireMs: f32,
  clocks,
});

const hiddenFrame = fc
  .record({
    ...header,
    type: fc.constant("hidden" as const),
    width: fc.integer({ min: 1, max: 9 }),
    segments: fc.array(segment, { minLength: 1, maxLength: 5 }),
    seed: fc.integer(),
  })
  .map(({ seed, ...frame }) => {
    const rows = frame.segments.reduce((sum, { count }) => sum + count, 0);
    const value = (_: unknown, index: number) => Math.fround((index + 1) / (seed || 1));
    return { ...frame, hidden: Float32Array.from({ length: rows * frame.width }, value) };
  });

const kinds = {
  prompt: fc.record({
    ...header,
    type: fc.constant("prompt" as const),
    generation,
    requester,
    answer: fc.stringMatching(/^[\w.-]{1,64}$/),
    resumes: fc.boolean(),
    maxTokens: fc.integer({ min: 1, max: 0xffff_ffff }),
    sampling,
    endTokens: u32s(0),
    tokens: u32s(1),
  }),
  hidden: hiddenFrame,
  token: fc.record({
    ...header,
    type: fc.constant("token" as const),
    generation,
    position: u32,
    token: u32,
    logprob: fc.option(f32, { nil: null }),
    top: fc.array(fc.record({ token: u32, logprob: f32 }), { maxLength: 20 }),
    finish: fc.constantFrom(null, "stop" as const, "length" as const),
    clocks,
    hopMs: fc.array(f32, { maxLength: 6 }),
  }),
  end: fc.record({
    ...header,
    type: fc.constant("end" as const),
    generation,
    reason: fc.constantFrom("finished" as const, "cancelled" as const, "failed" as const),
  }),
  failure: fc.record({
    ...header,
    type: fc.constant("failure" as const),
    generation,
    failure: fc.constantFrom<StageFailure>(
      { reason: "placement_changed" },
      { reason: "prompt_too_long", promptTokens: 300, contextTokens: 256 },
      { reason: "step_failed", cause: { reason: "unexpected", detail: "größer 😀" } },
    ),
  }),
  ping: fc.record({
    ...header,
    type: fc.constant("ping" as const),
    nonce: u32,
    echo: fc.boolean(),
    payload: bytes,
  }),
  pong: fc.record({ ...header, type: fc.constant("pong" as const), nonce: u32, payload: bytes }),
  resume: fc.record({ ...header, type: fc.constant("resume" as const), generation, from: u32 }),
} satisfies Record<Frame["type"], fc.Arbitrary<Frame>>;
const everyKind = Object.entries(kinds) as [Frame["type"], fc.Arbitrary<Frame>][];
const anyFrame = fc.oneof(...everyKind.map(([, kind]) => kind));

describe.each(everyKind)("%s", (type, kind) => {
  test("decodes to what was encoded", () => {
    fc.assert(
      fc.property(kind, (frame) => {
        expect(decode(encode(frame))).toEqual(frame);
      }),
    );
  });

  test("is read from the middle of a buffer, and keeps no part of it", () => {
    fc.assert(
      fc.property(kind, fc.integer({ min: 1, max: 9 }), (frame, before) => {
        const encoded = encode(frame);
        const buffer = new Uint8Array(before + encoded.length + 5).fill(0xff);
        buffer.set(encoded, before);
        const decoded = decode(buffer.subarray(before, before + encoded.length));
        buffer.fill(0);
        expect(decoded).toEqual(frame);
      }),
    );
  });

  // A ping's payload extends to the end, so a shorter frame is another valid ping.
  const bodyEnds = type === "ping" ? 15 : type === "pong" ? 14 : Infinity;
  test("every truncation is refused", () => {
    fc.assert(
      fc.property(kind, (frame) => {
        const encoded = encode(frame);
        for (let length = 0; length < Math.min(encoded.length, bodyEnds); length += 1)
          expect(() => decode(encoded.subarray(0, length))).toThrow(ProtocolError);
      }),
      { numRuns: 30 },
    );
  });
});

test("an extra byte is refused if the frame has a length", () => {
  const bounded = everyKind.filter(([type]) => type !== "ping" && type !== "pong");
  fc.assert(
    fc.property(fc.oneof(...bounded.map(([, kind]) => kind)), (frame) => {
      const encoded = encode(frame);
      const longer = new Uint8Array(encoded.length + 1);
      longer.set(encoded);
      expect(() => decode(longer)).toThrow(ProtocolError);
    }),
  );
});

test("a frame with changed bytes is another frame or a ProtocolError", () => {
  const edits = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(anyFrame, edits, (frame, changes) => {
      const encoded = encode(frame);
      for (const [at, value] of changes) encoded[at % encoded.length] = value;
      try {
        expect(encode(decode(encoded)).length).toBe(encoded.length);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});

test("another version is refused", () => {
  const encoded = encode({
    type: "pong",
    placement: 0,
    epoch: 0,
    nonce: 1,
    payload: new Uint8Array(),
  });
  encoded[0] = PROTOCOL_VERSION + 1;
  expect(() => decode(encoded)).toThrow(
    `a frame of protocol ${PROTOCOL_VERSION + 1}; this tab uses ${PROTOCOL_VERSION}`,
  );
});

test("a count of 2^32 - 1 tokens is refused before anything is allocated", () => {
  const frame = fc.sample(kinds.prompt, 1)[0]!;
  const encoded = encode(frame);
  const countAt = encoded.length - 4 * frame.tokens.length - 4;
  new DataView(encoded.buffer).setUint32(countAt, 0xffff_ffff, true);
  expect(() => decode(encoded)).toThrow(/too short: 17179869180 bytes wanted/);
});

test("a failure that no stage reports is refused", () => {
  const header = { placement: 1, epoch: 1, generation: GenerationId.parse(1) };
  const encoded = encode({ type: "failure", ...header, failure: { reason: "prompt_empty" } });
  encoded[encoded.length - 3]! += 1;
  expect(() => decode(encoded)).toThrow(ProtocolError);
});

test("the layout is the documented one, byte for byte", () => {
  const frame = { placement: 2, epoch: 0x0102_0304, generation: GenerationId.parse(5) };
  const expected = [PROTOCOL_VERSION, 3, 2, 0, 0, 0, 4, 3, 2, 1, 5, 0, 0, 0, 1];
  expect([...encode({ type: "end", ...frame, reason: "cancelled" })]).toEqual(expected);
});
