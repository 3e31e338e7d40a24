/**
 * The bytes of every frame: `encode` first, and `decode` below it as its mirror
 * image. Every frame starts with the same 10 bytes, little-endian like all numbers:
 *
 *   u8 version, u8 type, u32 placement, u32 epoch
 *
 * Placement and epoch are 0 in pings and pongs, which belong to no placement.
 * Who may send what is checked by the stage.
 *
 * Over 250 lines: `encode` and `decode` are read side by side.
 */
import type { z } from "zod";
import {
  GenerationId,
  MemberId,
  RequestKey,
  Sampling,
  StageFailure,
  parseUntrusted,
} from "../shared/index.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { parseJson } from "../shared/index.ts";
import {
  PROTOCOL_VERSION,
  type Frame,
  type FrameHeader,
  type HiddenFrame,
  type PromptFrame,
  type Segment,
  type StageClock,
  type TokenFrame,
} from "./frame-types.ts";
import { ProtocolError } from "./mesh-error.ts";

const TYPES = ["prompt", "hidden", "token", "end", "failure", "ping", "pong", "resume"] as const;
const FINISHES = [null, "stop", "length"] as const;
const END_REASONS = ["finished", "cancelled", "failed", "interrupted"] as const;
const HEADER_BYTES = 10;
const SEGMENT_BYTES = 17;
const CLOCK_BYTES = 12;

export function encode(frame: Frame): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(frameBytes(frame));
  writer.u8(PROTOCOL_VERSION);
  writer.u8(TYPES.indexOf(frame.type));
  writer.u32(frame.placement);
  writer.u32(frame.epoch);
  encodeBody(writer, frame);
  return writer.finish();
}

function encodeBody(writer: ByteWriter, frame: Frame): void {
  switch (frame.type) {
    case "prompt":
      writer.u32(frame.generation);
      writer.text(frame.requester);
      writer.text(frame.answer);
      writer.u8(frame.resumes ? 1 : 0);
      writer.u32(frame.maxTokens);
      encodeSampling(writer, frame.sampling);
      encodeTokens(writer, frame.endTokens);
      encodeTokens(writer, frame.tokens);
      return;
    case "hidden": {
      const { width, segments, hidden } = frame;
      writer.u32(width);
      writer.u16(segments.length);
      segments.forEach((segment) => encodeSegment(writer, segment));
      writer.raw(new Uint8Array(hidden.buffer, hidden.byteOffset, hidden.byteLength));
      return;
    }
    case "token":
      writer.u32(frame.generation);
      writer.u32(frame.position);
      writer.u32(frame.token);
      writer.u8(FINISHES.indexOf(frame.finish));
      writer.u8(frame.logprob === null ? 0 : 1);
      writer.f32(frame.logprob ?? 0);
      writer.u8(frame.top.length);
      for (const { token, logprob } of frame.top) {
        writer.u32(token);
        writer.f32(logprob);
      }
      encodeClocks(writer, frame.clocks);
      writer.u8(frame.hopMs.length);
      frame.hopMs.forEach((ms) => writer.f32(ms));
      return;
    case "end":
      writer.u32(frame.generation);
      writer.u8(END_REASONS.indexOf(frame.reason));
      return;
    case "failure":
      writer.u32(frame.generation);
      writer.text(JSON.stringify(frame.failure));
      return;
    case "ping":
      writer.u32(frame.nonce);
      writer.u8(frame.echo ? 1 : 0);
      writer.raw(frame.payload);
      return;
    case "pong":
      writer.u32(frame.nonce);
      writer.raw(frame.payload);
      return;
    case "resume":
      writer.u32(frame.generation);
      writer.u32(frame.from);
      return;
    default:
      frame satisfies never;
  }
}

/** The bytes of a frame; of one without rows, payload, or prompt, an upper estimate. */
export function frameBytes(frame: Frame): number {
  if (frame.type === "hidden")
    return (
      HEADER_BYTES +
      6 +
      frame.segments.reduce(
        (sum, { clocks }) => sum + SEGMENT_BYTES + clocks.length * CLOCK_BYTES,
        0,
      ) +
      frame.hidden.byteLength
    );
  if (frame.type === "ping" || frame.type === "pong") return frame.payload.length + 16;
  if (frame.type === "prompt") return 256 + 4 * (frame.tokens.length + frame.endTokens.length);
  return 256;
}

function encodeTokens(writer: ByteWriter, tokens: Uint32Array): void {
  writer.u32(tokens.length);
  writer.u32s(tokens);
}

function encodeSampling(writer: ByteWriter, sampling: Sampling): void {
  writer.f64(sampling.temperature);
  writer.u32(sampling.topK);
  writer.f64(sampling.topP);
  writer.f64(sampling.minP);
  writer.f64(sampling.repetitionPenalty);
  writer.f64(sampling.presencePenalty);
  writer.f64(sampling.frequencyPenalty);
  writer.u32(sampling.penaltyTokens);
  writer.u32(sampling.seed);
  writer.u8(sampling.topLogprobs);
}

function encodeSegment(writer: ByteWriter, segment: Segment): void {
  writer.u32(segment.generation);
  writer.u32(segment.position);
  writer.u32(segment.count);
  writer.f32(segment.wireMs);
  encodeClocks(writer, segment.clocks);
}

function encodeClocks(writer: ByteWriter, clocks: readonly StageClock[]): void {
  writer.u8(clocks.length);
  for (const { computeMs, waitMs, linkMs } of clocks) {
    writer.f32(computeMs);
    writer.f32(waitMs);
    writer.f32(linkMs);
  }
}

/**
 * Throws `ProtocolError` on anything that `encode` does not write: an unknown
 * version, type, or tag, a short frame, leftover bytes, or counts that contradict
 * the frame's length. Copies what it keeps, so the input may be reused.
 */
export function decode(bytes: Uint8Array): Frame {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== PROTOCOL_VERSION)
    throw new ProtocolError(`a frame of protocol ${version}; this tab uses ${PROTOCOL_VERSION}`);
  const type = tag(TYPES, reader.u8(), "frame type");
  const header = { placement: reader.u32(), epoch: reader.u32() };
  const frame = decodeBody(reader, type, header);
  reader.end();
  return frame;
}

function decodeBody(reader: ByteReader, type: Frame["type"], header: FrameHeader): Frame {
  switch (type) {
    case "prompt":
      return decodePrompt(reader, header);
    case "hidden":
      return decodeHidden(reader, header);
    case "token":
      return decodeToken(reader, header);
    case "end": {
      const generation = decodeGeneration(reader);
      return { ...header, type, generation, reason: tag(END_REASONS, reader.u8(), "reason") };
    }
    case "failure": {
      const generation = decodeGeneration(reader);
      const failure = parsed(StageFailure, parseJson(reader.text()), "failure");
      return { ...header, type, generation, failure };
    }
    case "ping": {
      const [nonce, echo] = [reader.u32(), flag(reader)];
      return { ...header, type, nonce, echo, payload: reader.raw(reader.remaining) };
    }
    case "pong":
      return { ...header, type, nonce: reader.u32(), payload: reader.raw(reader.remaining) };
    case "resume":
      return { ...header, type, generation: decodeGeneration(reader), from: reader.u32() };
  }
}

function decodePrompt(reader: ByteReader, header: FrameHeader): PromptFrame {
  const generation = decodeGeneration(reader);
  const requester = parsed(MemberId, reader.text(), "requester");
  const answer = parsed(RequestKey, reader.text(), "name of an answer");
  const resumes = flag(reader);
  const maxTokens = reader.u32();
  if (maxTokens === 0) throw new ProtocolError("a prompt with a limit of 0 tokens");
  const sampling = decodeSampling(reader);
  const endTokens = decodeTokens(reader);
  const tokens = decodeTokens(reader);
  if (tokens.length === 0) throw new ProtocolError("a prompt without tokens");
  const ids = { generation, requester, answer, resumes };
  return { ...header, type: "prompt", ...ids, maxTokens, sampling, endTokens, tokens };
}

function decodeSampling(reader: ByteReader): Sampling {
  const sampling = {
    temperature: reader.f64(),
    topK: reader.u32(),
    topP: reader.f64(),
    minP: reader.f64(),
    repetitionPenalty: reader.f64(),
    presencePenalty: reader.f64(),
    frequencyPenalty: reader.f64(),
    penaltyTokens: reader.u32(),
    seed: reader.u32(),
    topLogprobs: reader.u8(),
  };
  return parsed(Sampling, sampling, "sampling settings");
}

function decodeTokens(reader: ByteReader): Uint32Array<ArrayBuffer> {
  return reader.u32s(reader.u32());
}

function decodeHidden(reader: ByteReader, header: FrameHeader): HiddenFrame {
  const width = reader.u32();
  const segmentCount = reader.u16();
  if (width === 0 || segmentCount === 0) throw new ProtocolError("a hidden frame without rows");
  const segments = Array.from({ length: segmentCount }, () => decodeSegment(reader));
  const rows = segments.reduce((sum, { count }) => sum + count, 0);
  const expected = rows * width * Float32Array.BYTES_PER_ELEMENT;
  if (expected !== reader.remaining)
    throw new ProtocolError(`${rows} rows of ${width} in ${reader.remaining} bytes`);
  const hidden = new Float32Array(reader.raw(expected).buffer);
  return { ...header, type: "hidden", width, segments, hidden };
}

function decodeSegment(reader: ByteReader): Segment {
  const generation = decodeGeneration(reader);
  const position = reader.u32();
  const count = reader.u32();
  if (count === 0) throw new ProtocolError("a segment without rows");
  return { generation, position, count, wireMs: finite(reader), clocks: decodeClocks(reader) };
}

function decodeClocks(reader: ByteReader): StageClock[] {
  return Array.from({ length: reader.u8() }, () => ({
    computeMs: finite(reader),
    waitMs: finite(reader),
    linkMs: finite(reader),
  }));
}

function decodeToken(reader: ByteReader, header: FrameHeader): TokenFrame {
  const generation = decodeGeneration(reader);
  const position = reader.u32();
  const token = reader.u32();
  const finish = tag(FINISHES, reader.u8(), "finish");
  const hasLogprob = flag(reader);
  const logprob = reader.f32();
  const top = Array.from({ length: reader.u8() }, () => ({
    token: reader.u32(),
    logprob: reader.f32(),
  }));
  const clocks = decodeClocks(reader);
  const hopMs = Array.from({ length: reader.u8() }, () => finite(reader));
  const sample = { token, logprob: hasLogprob ? logprob : null, top, finish };
  return { ...header, type: "token", generation, position, ...sample, clocks, hopMs };
}

function decodeGeneration(reader: ByteReader): GenerationId {
  return parsed(GenerationId, reader.u32(), "generation");
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = parseUntrusted(schema, value);
  if (!result.success) throw new ProtocolError(`invalid ${what}`);
  return result.data;
}

function flag(reader: ByteReader): boolean {
  return tag([false, true] as const, reader.u8(), "flag");
}

function tag<T>(tags: readonly T[], index: number, what: string): T {
  if (index >= tags.length) throw new ProtocolError(`unknown ${what} ${index}`);
  return tags[index]!;
}

/** A NaN would remain in every sum that it enters. */
function finite(reader: ByteReader): number {
  const value = reader.f32();
  if (!Number.isFinite(value)) throw new ProtocolError("a time that is not finite");
  return value;
}
