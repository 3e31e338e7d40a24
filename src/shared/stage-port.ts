/**
 * What a tab asks of its stage and what it is told. All values can be cloned to and
 * from a worker.
 *
 * The token path stays in workers: the requester's worker sends the prompt to stage
 * 0's worker, the hidden states go from stage to stage, and the last stage sends each
 * token to stage 0 and to the requester. No main thread is on it.
 */
import { z } from "zod";
import { Failure } from "./failure.ts";
import { kind } from "./failure-schema.ts";
import { GenerationId, MemberId, PlacementId } from "./ids.ts";
import { CloseFailure } from "./mesh-failure.ts";
import type { KernelReport } from "./kernel-report.ts";
import type { Sampling } from "./sampling.ts";
import type { StageFailure } from "./stage-failure.ts";
import type { Stage } from "./state.ts";
import type { WorkerFailure } from "./cause.ts";

/** The pipeline of a placement, as each of its stages must know it. */
export type Pipeline = {
  readonly placement: PlacementId;
  readonly epoch: number;
  readonly stages: readonly Stage[];
  readonly contextTokens: number;
  readonly generationSlots: number;
  /** Tokens of the model: ids are below it. */
  readonly vocabulary: number;
  /** Of a token, by the cost model; null for stages that a person chose. */
  readonly predictedMs: number | null;
  /** Of this member: half a round trip to the next stage, or from the last to the first; 0 if unknown. */
  readonly linkMs: number;
};

/** What a stage knows of the room: whose frames it takes, and whose prompts. */
export type StageRoom = {
  /** The coordinator's term. Generations are queued in the order of their ids within one. */
  readonly term: string;
  readonly members: readonly MemberId[];
  readonly queued: readonly RequestedGeneration[];
  readonly running: readonly RequestedGeneration[];
};

export type RequestedGeneration = {
  readonly generation: GenerationId;
  readonly requester: MemberId;
};

export type PromptRequest = {
  readonly generation: GenerationId;
  readonly placement: PlacementId;
  /** The requester's name of the answer, the same for each attempt. */
  readonly answer: string;
  /**
   * A stage of an earlier attempt was lost: stages that remain continue with what they computed, and
   * tell each other with `resume` frames before any hidden rows.
   */
  readonly resumes: boolean;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly sampling: Sampling;
  readonly maxTokens: number;
  /** The last stage ends the generation when it samples one of these. */
  readonly endTokens: readonly number[];
};

export type TokenProbability = { readonly token: number; readonly logprob: number };

/** One sampled token as the requester receives it. */
export type TokenEvent = {
  readonly generation: GenerationId;
  /** Its index in prompt + answer. */
  readonly position: number;
  readonly token: number;
  readonly logprob: number | null;
  readonly top: readonly TokenProbability[];
  /** Set with the last token: an end token, or the length limit. */
  readonly finish: "stop" | "length" | null;
  /** Engine time of each stage for this lap. */
  readonly computeMs: readonly number[]; // [stages]
  /** From the end of stage k's step to the start of stage k+1's; the last is back to stage 0. */
  readonly hopMs: readonly number[]; // [stages]
};

export type GenerationFailure = {
  readonly generation: GenerationId;
  readonly failure: StageFailure;
};

/** Laps in one report: as many as the median of a correction is taken over. */
export const MAX_LAPS = 16;

/**
 * What a member observes that goes wrong in a pipeline, as it reports it to the coordinator. A report
 * is a fact about its sender; the coordinator alone draws conclusions about others.
 */
export const Trouble = z.discriminatedUnion("kind", [
  /** The frames channel to a neighbor in the pipeline closed, or is silent. */
  kind("link_down", { peer: MemberId, cause: CloseFailure }),
  /** A frame went there and back again. */
  kind("link_restored", { peer: MemberId }),
  /** The sender's layers compute no more: its GPU, or the worker that uses it, failed. */
  kind("shard_failed", { placement: PlacementId, cause: Failure }),
  /** The sender's stage has done its part of a lap, and the next one did not come within `boundMs`. */
  kind("lap_late", {
    placement: PlacementId,
    generation: GenerationId,
    afterMs: z.number(),
    boundMs: z.number(),
  }),
  /** The sender is stage 0, and the requester of this generation has not sent its prompt. */
  kind("prompt_missing", { generation: GenerationId }),
]);
export type Trouble = z.infer<typeof Trouble>;

/** What a stage's worker observes of its channels and laps. */
export type StageObservation =
  | { readonly kind: "channel_closed"; readonly peer: MemberId; readonly cause: CloseFailure }
  /** No frame came from the peer for a while; `again` after another while. */
  | { readonly kind: "peer_silent"; readonly peer: MemberId; readonly again: boolean }
  | Extract<Trouble, { kind: "lap_late" | "prompt_missing" }>
  /** By the tab: the worker failed, and another one has taken its place. It has no layers and no channels. */
  | { readonly kind: "worker_replaced"; readonly cause: WorkerFailure }
  /** By the tab: it failed as soon as it began, time after time. This tab computes no more. */
  | { readonly kind: "worker_gone"; readonly cause: WorkerFailure };

/** Callbacks are Comlink proxies. None is awaited on the token path. */
export type StageListeners = {
  onToken(event: TokenEvent): void;
  onFailure(failure: GenerationFailure): void;
  /**
   * When an answer has ended: engine ms of this stage's steps of one token, newest last, and at stage 0
   * the time that such laps spent on the wire.
   */
  onLaps(placement: PlacementId, computeMs: readonly number[], wireMs: readonly number[]): void;
  /** The shard of this tab computes no more, once per load; `lost` if the device is gone. */
  onDeviceError(cause: Failure, lost: boolean): void;
  onObservation(observation: StageObservation): void;
  /** Other kernels run now, or their measurement has progressed. */
  onKernels(kernels: KernelReport): void;
};

/** The load of a stage since the previous sample. */
export type StageSample = {
  readonly rows: number;
  readonly busyFraction: number;
  /** What it comes from: GPU timestamps, or the time that steps took. */
  readonly busySource: "timestamps" | "steps";
  /** Median engine time of the decode steps (one row per generation); null without one. */
  readonly stepMs: number | null;
  readonly tokensPerSecond: number;
  readonly memoryUsedBytes: number;
};

export type StagePort = {
  listen(listeners: StageListeners): Promise<void>;
  /**
   * Every member of the pipeline, and every requester, is told before the first prompt.
   * Another placement or epoch ends what is in flight; the same one changes nothing.
   */
  setPipeline(self: MemberId, pipeline: Pipeline | null): Promise<void>;
  /** Told before this tab sends a prompt of a generation, and whenever members or generations change. */
  setRoom(self: MemberId, room: StageRoom): Promise<void>;
  /** Round-trip time and bandwidth to `peer`, measured with `payloadBytes` on the frame channel. */
  measureLink(
    peer: MemberId,
    payloadBytes: number,
  ): Promise<{ roundTripMs: number; bytesPerMs: number }>;
  /** Resolves when the prompt is sent. Rejects with a `FailureError`. */
  ask(request: PromptRequest): Promise<void>;
  /**
   * Ends a generation early. "cancelled" frees its KV slots on every stage; for "interrupted" the
   * stages keep what they computed, in case that another attempt follows.
   */
  cancel(generation: GenerationId, reason?: "cancelled" | "interrupted"): Promise<void>;
};

/**
 * What a shard is loaded for: to replace the current one, beside it until a pipeline needs the new one,
 * or to extend it by the layers before or after its own, which keep their cache.
 */
export type ShardRole = "instead" | "beside" | "before" | "after";
