/** Frames decode to what was encoded, and everything else is refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/mesh/mesh-error.ts";
import { decode, encode, type Frame } from "../../src/mesh/frames.ts";
import { pack, PROTOCOL_VERSION } from "../../src/mesh/packet.ts";
import { GenerationId, MemberId } from "../../src/shared/ids.ts";
import type { StageFailure } from "../../src/shared/stage-failure.ts";
import type { Sampling } from "../../src/shared/sampling.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
/** JSON has no negative zero. */
const f32 = fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const header = { placement: u32, epoch: u32 };
const generation = fc
  .integer({ min: 1, max: 0xffff_ffff })
  .map((value) => GenerationId.parse(value));
const requester = fc
  .stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/)
  .map((text) => MemberId.parse(text));
const bytes = fc
  .uint8Array({ maxLength: 60 })
  .map((values): Uint8Array<ArrayBuffer> => Uint8Array.from(values));
const double = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((value) => value + 0);
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
    endTokens: fc.array(u32, { maxLength: 40 }),
    tokens: fc
      .array(u32, { minLength: 1, maxLength: 40 })
      .map((values) => Uint32Array.from(values)),
  }),
  hidden: hiddenFrame,
  token: fc.record({
    ...header,
    type: fc.constant("token" as const),
    generation,
    position: u32,
    token: u32,
    logprob: fc.option(f32, { nil: null }),
    top: fc.array(fc.record({ token: u32, logprob: fc.oneof(f32, fc.constant(-Infinity)) }), {
      maxLength: 20,
    }),
    finish: fc.constantFrom(null, "stop" as const, "length" as const),
    clocks,
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
    type: fc.constant("ping" as const),
    nonce: u32,
    echo: fc.boolean(),
    payload: bytes,
  }),
  pong: fc.record({ type: fc.constant("pong" as const), nonce: u32, payload: bytes }),
  resume: fc.record({ ...header, type: fc.constant("resume" as const), generation, from: u32 }),
} satisfies Record<Frame["type"], fc.Arbitrary<Frame>>;
const everyKind = Object.entries(kinds) as [Frame["type"], fc.Arbitrary<Frame>][];
const anyFrame = fc.oneof(...everyKind.map(([, kind]) => kind));

describe.each(everyKind)("%s", (_type, kind) => {
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

  test("every truncation is refused", () => {
    fc.assert(
      fc.property(kind, (frame) => {
        const encoded = encode(frame);
        for (let length = 0; length < encoded.length; length += 1)
          expect(() => decode(encoded.subarray(0, length))).toThrow(ProtocolError);
      }),
      { numRuns: 30 },
    );
  });
});

test("an extra byte is refused", () => {
  fc.assert(
    fc.property(anyFrame, (frame) => {
      expect(() => decode(Uint8Array.of(...encode(frame), 0))).toThrow(ProtocolError);
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
        // A header may have another spelling of the same JSON.
        const decoded = decode(encoded);
        expect(decode(encode(decoded))).toEqual(decoded);
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
    nonce: 1,
    payload: new Uint8Array(),
  });
  encoded[0] = PROTOCOL_VERSION + 1;
  expect(() => decode(encoded)).toThrow(
    `a packet of protocol ${PROTOCOL_VERSION + 1}; this tab uses ${PROTOCOL_VERSION}`,
  );
});

test.each([1, 5])("a length of 2^32 - 1, at byte %i, is refused", (at) => {
  const encoded = encode(fc.sample(kinds.prompt, 1)[0]!);
  new DataView(encoded.buffer).setUint32(at, 0xffff_ffff, true);
  expect(() => decode(encoded)).toThrow(/^a header of \d+ bytes in \d+$/);
});

test("a header above the limit is refused before it is parsed", () => {
  const failure = { reason: "step_failed", cause: { reason: "unexpected", detail: "x" } } as const;
  const encoded = pack({ type: "failure", failure, more: "x".repeat(2 ** 20) });
  expect(() => decode(encoded)).toThrow(/^a header of \d+ bytes in \d+$/);
});

test.each([0, 3])("a prompt whose tokens are %i bytes is refused", (length) => {
  const { tokens, ...header } = fc.sample(kinds.prompt, 1)[0]!;
  expect(() => decode(pack(header, tokens))).not.toThrow();
  expect(() => decode(pack(header, new Uint8Array(length)))).toThrow(ProtocolError);
});

test("hidden rows that are not those of the segments are refused", () => {
  const { hidden, ...header } = fc.sample(kinds.hidden, 1)[0]!;
  const tuples = { ...header, segments: header.segments.map((one) => ({ ...one, clocks: [] })) };
  expect(() => decode(pack(tuples, hidden))).not.toThrow();
  expect(() => decode(pack(tuples, hidden.subarray(1)))).toThrow(ProtocolError);
});

test("a failure that no stage reports is refused", () => {
  const header = { placement: 1, epoch: 1, generation: GenerationId.parse(1) };
  const failure = { reason: "prompt_eaten" };
  expect(() => decode(pack({ type: "failure", ...header, failure }))).toThrow(ProtocolError);
});

test("the layout is the documented one, byte for byte", () => {
  const frame = { type: "pong", nonce: 5 } as const;
  const text = [...new TextEncoder().encode(JSON.stringify(frame))];
  const expected = [PROTOCOL_VERSION, text.length, 0, 0, 0, 2, 0, 0, 0, ...text, 7, 8];
  expect([...encode({ ...frame, payload: Uint8Array.of(7, 8) })]).toEqual(expected);
});
