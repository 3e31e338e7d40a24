/**
 * The frames that stages send each other. `frames.ts` has their bytes, and
 * docs/protocol.md describes who sends which of them.
 */
import type {
  GenerationId,
  MemberId,
  PromptRequest,
  StageFailure,
  TokenEvent,
} from "../shared/index.ts";

/** Tabs with different versions refuse each other in the handshake. Frames carry the version too. */
export const PROTOCOL_VERSION = 5;

/** A prompt of a million tokens is 4 MB; a chunk of 512 rows of 8,192 numbers is 16 MB. */
export const MAX_FRAME_BYTES = 32 * 1024 * 1024;

export type FrameHeader = { readonly placement: number; readonly epoch: number };

/** From the requester to stage 0, and down the pipeline: what a stage needs to know about a generation. */
export type PromptFrame = FrameHeader &
  Omit<PromptRequest, "placement"> & {
    readonly type: "prompt";
    readonly requester: MemberId;
  };

/** What one stage spent on a segment, by its own clock. `linkMs` is half a round trip to the next stage. */
export type StageClock = {
  readonly computeMs: number;
  readonly waitMs: number;
  readonly linkMs: number;
};

/** Rows `[position, position + count)` of one generation. */
export type Segment = {
  readonly generation: GenerationId;
  readonly position: number;
  readonly count: number;
  /** Milliseconds that the previous lap spent on the wire, measured by stage 0. Negative if unknown. */
  readonly wireMs: number;
  readonly clocks: readonly StageClock[]; // [stages so far]
};

/** From a stage to the next. */
export type HiddenFrame = FrameHeader & {
  readonly type: "hidden";
  readonly width: number; // the model's hidden size
  readonly segments: readonly Segment[];
  readonly hidden: Float32Array<ArrayBuffer>; // [sum of counts, width]
};

/** From the last stage to stage 0 and to the requester. */
export type TokenFrame = FrameHeader &
  Omit<TokenEvent, "computeMs"> & {
    readonly type: "token";
    readonly clocks: readonly StageClock[]; // [stages]
  };

/** From the requester to stage 0 (cancelled), or from stage 0 down the pipeline. */
export type EndFrame = FrameHeader & {
  readonly type: "end";
  readonly generation: GenerationId;
  /** "interrupted": another attempt may follow, for which the stages keep what they computed. */
  readonly reason: "finished" | "cancelled" | "failed" | "interrupted";
};

/** From a stage to the previous one: the first position whose hidden rows it lacks. */
export type ResumeFrame = FrameHeader & {
  readonly type: "resume";
  readonly generation: GenerationId;
  readonly from: number;
};

/** From the stage that cannot continue to stage 0 and to the requester. */
export type FailureFrame = FrameHeader & {
  readonly type: "failure";
  readonly generation: GenerationId;
  readonly failure: StageFailure;
};

export type PingFrame = FrameHeader & {
  readonly type: "ping";
  readonly nonce: number;
  /** The pong carries the payload back. */
  readonly echo: boolean;
  readonly payload: Uint8Array<ArrayBuffer>;
};

export type PongFrame = FrameHeader & {
  readonly type: "pong";
  readonly nonce: number;
  readonly payload: Uint8Array<ArrayBuffer>;
};

export type Frame =
  | PromptFrame
  | HiddenFrame
  | TokenFrame
  | EndFrame
  | FailureFrame
  | PingFrame
  | PongFrame
  | ResumeFrame;
