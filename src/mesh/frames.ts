/**
 * The frames that stages send each other, and their bytes: `encode`, and `decode` below it as its mirror
 * image. A frame is a packet: long lists of numbers are its payload, little-endian, and the other fields
 * its header. docs/protocol.md describes who sends which; the stage checks it.
 */
import { z } from "zod";
import {
  GenerationId,
  MemberId,
  RequestKey,
  Sampling,
  StageFailure,
  typed,
} from "../shared/index.ts";
import { ProtocolError } from "./mesh-error.ts";
import { pack, unpack } from "./packet.ts";

/** A prompt of a million tokens is 4 MB; a chunk of 512 rows of 8,192 numbers is 16 MB. */
export const MAX_FRAME_BYTES = 32 * 1024 * 1024;

const U32 = z.int().min(0).max(0xffff_ffff);

const placed = { placement: U32, epoch: U32 };
export type FrameHeader = { readonly placement: number; readonly epoch: number };

/** What one stage spent on a segment, by its own clock. `linkMs` is half a round trip to the next stage. */
const StageClock = z.strictObject({
  computeMs: z.number(),
  waitMs: z.number(),
  linkMs: z.number(),
});
export type StageClock = Readonly<z.infer<typeof StageClock>>;

/** Of the stages so far. */
const Clocks = z.array(StageClock).readonly();

/** Rows `[position, position + count)` of one generation. */
const Segment = z.strictObject({
  generation: GenerationId,
  position: U32,
  count: U32.min(1),
  clocks: Clocks,
});
export type Segment = Readonly<z.infer<typeof Segment>>;

const TopToken = z.strictObject({
  token: U32,
  /** JSON has null in place of -Infinity. */
  logprob: z
    .number()
    .nullable()
    .transform((logprob) => logprob ?? -Infinity),
});

/** All of a frame but its payload. */
export const FrameFields = z.discriminatedUnion("type", [
  /** From the requester to stage 0, and down the pipeline: what a stage needs to know about a generation. */
  typed("prompt", {
    ...placed,
    generation: GenerationId,
    requester: MemberId,
    answer: RequestKey,
    resumes: z.boolean(),
    maxTokens: U32.min(1),
    sampling: Sampling,
    endTokens: z.array(U32).readonly(),
  }),
  /** From a stage to the next. `width` is the model's hidden size. */
  typed("hidden", { ...placed, width: U32.min(1), segments: z.array(Segment).min(1).readonly() }),
  /** From the last stage to stage 0 and to the requester: see `TokenEvent`. */
  typed("token", {
    ...placed,
    generation: GenerationId,
    position: U32,
    token: U32,
    logprob: z.number().nullable(),
    top: z.array(TopToken).readonly(),
    finish: z.enum(["stop", "length"]).nullable(),
    clocks: Clocks, // [stages]
  }),
  /**
   * From the requester to stage 0 (cancelled), or from stage 0 down the pipeline. "interrupted": another
   * attempt may follow, for which the stages keep what they computed.
   */
  typed("end", {
    ...placed,
    generation: GenerationId,
    reason: z.enum(["finished", "cancelled", "failed", "interrupted"]),
  }),
  /** From the stage that cannot continue to stage 0 and to the requester. */
  typed("failure", { ...placed, generation: GenerationId, failure: StageFailure }),
  /** From a stage to the previous one: the first position whose hidden rows it lacks. */
  typed("resume", { ...placed, generation: GenerationId, from: U32 }),
  /** With `echo`, the pong carries the payload back. */
  typed("ping", { nonce: U32, echo: z.boolean() }),
  typed("pong", { nonce: U32 }),
]);
type FieldsOf<Type extends Frame["type"]> = Readonly<
  Extract<z.infer<typeof FrameFields>, { type: Type }>
>;

type Payload = { readonly payload: Uint8Array<ArrayBuffer> };
export type PromptFrame = FieldsOf<"prompt"> & { readonly tokens: Uint32Array<ArrayBuffer> };
export type HiddenFrame = FieldsOf<"hidden"> & {
  readonly hidden: Float32Array<ArrayBuffer>; // [sum of counts, width]
};
export type TokenFrame = FieldsOf<"token">;
export type EndFrame = FieldsOf<"end">;
export type ResumeFrame = FieldsOf<"resume">;
export type FailureFrame = FieldsOf<"failure">;
export type PingFrame = FieldsOf<"ping"> & Payload;
export type PongFrame = FieldsOf<"pong"> & Payload;
export type Frame =
  | PromptFrame
  | HiddenFrame
  | TokenFrame
  | EndFrame
  | FailureFrame
  | PingFrame
  | PongFrame
  | ResumeFrame;

export function encode(frame: Frame): Uint8Array<ArrayBuffer> {
  switch (frame.type) {
    case "prompt": {
      const { tokens, ...header } = frame;
      return pack(header, tokens);
    }
    case "hidden": {
      const { hidden, ...header } = frame;
      return pack(header, hidden);
    }
    case "ping":
    case "pong": {
      const { payload, ...header } = frame;
      return pack(header, payload);
    }
    default:
      return pack(frame);
  }
}

/**
 * Throws `ProtocolError` on anything that `encode` does not write, such as another version, an unknown
 * type, or a payload that contradicts the header. Copies what it keeps, so the input may be reused.
 */
export function decode(bytes: Uint8Array): Frame {
  const { header, payload } = unpack(FrameFields, bytes);
  switch (header.type) {
    case "prompt": {
      if (payload.length === 0 || payload.length % 4 !== 0)
        throw new ProtocolError(`a prompt of ${payload.length} bytes`);
      return { ...header, tokens: new Uint32Array(payload.slice().buffer) };
    }
    case "hidden": {
      const rows = header.segments.reduce((sum, { count }) => sum + count, 0);
      if (rows * header.width * Float32Array.BYTES_PER_ELEMENT !== payload.length)
        throw new ProtocolError(`${rows} rows of ${header.width} in ${payload.length} bytes`);
      return { ...header, hidden: new Float32Array(payload.slice().buffer) };
    }
    case "ping":
    case "pong":
      return { ...header, payload: payload.slice() };
    default:
      if (payload.length > 0) throw new ProtocolError(`${payload.length} bytes after the header`);
      return header;
  }
}
