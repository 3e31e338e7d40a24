/**
 * What a GPU worker offers to its tab: load a shard, join a pipeline, ask for
 * an answer. All values can be cloned to and from a worker (Comlink).
 *
 * The token path stays in workers: an asker's worker sends the prompt to stage
 * 0's worker, the hidden states go from stage to stage, and the last stage sends
 * each token to stage 0 and to the asker. No main thread is on it.
 */
import type {
  EngineCounters,
  LoadProgress,
  ShardMemory,
  ShardOptions,
  TokenProbability,
} from "../engine/types.ts";
import type { ShardDescription } from "../model/description.ts";
import type { GenerationId, MemberId, PlacementId } from "../shared/ids.ts";
import type { Sampling } from "../shared/sampling.ts";
import type { Stage } from "../shared/state.ts";

/** The pipeline that a placement describes, as each of its stages must know it. */
export type Pipeline = {
  readonly placement: PlacementId;
  readonly epoch: number;
  readonly stages: readonly Stage[];
  readonly contextTokens: number;
  readonly generationSlots: number;
};

export type PromptRequest = {
  readonly generation: GenerationId;
  readonly placement: PlacementId;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly sampling: Sampling;
  readonly maxTokens: number;
  /** The last stage ends the generation when it samples one of these. */
  readonly endTokens: Uint32Array<ArrayBuffer>;
};

/** One sampled token as the asker receives it. */
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
  /** From the end of stage k's step to the start of stage k+1's; the last is back to stage 0. See hop-times.ts. */
  readonly hopMs: readonly number[]; // [stages]
};

export type GenerationFailure = {
  readonly generation: GenerationId;
  /** In words, with what to do. */
  readonly message: string;
};

/** Callbacks are Comlink proxies; none is awaited on the token path. */
export type StageListeners = {
  onToken(event: TokenEvent): void;
  onFailure(failure: GenerationFailure): void;
  /** Something about the device or the shard, in words; `lost` when the device is gone. */
  onDeviceError(message: string, lost: boolean): void;
  /** Which variants run now, or how far their measurement is; one line each. */
  onVariants(variants: readonly string[]): void;
  /** A channel to a peer closed. */
  onChannelClose(peer: MemberId, reason: string): void;
};

/** How busy the stage was since the last call. */
export type StageSample = {
  readonly steps: number;
  readonly rows: number;
  readonly busyFraction: number;
  /** Median engine time of the decode steps (one row a generation) since the last call. */
  readonly stepMs: number | null;
  readonly tokensPerSecond: number;
  readonly memoryUsedBytes: number;
};

export type StageWorker = {
  listen(listeners: StageListeners): Promise<void>;
  /** Loads or replaces this tab's shard; rejects with words. `reader` is a port to the weights worker. */
  loadShard(
    shard: ShardDescription,
    options: ShardOptions,
    reader: MessagePort,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<{ memory: ShardMemory; variants: readonly string[] }>;
  unloadShard(): Promise<void>;
  /**
   * Every member of the pipeline, and every asker, is told before the first prompt.
   * Another placement or epoch ends what is in flight; the same one changes nothing.
   */
  setPipeline(self: MemberId, pipeline: Pipeline | null): Promise<void>;
  /**
   * Takes a transferred data channel, or the port of a `relayChannel` where the browser
   * cannot transfer one; frames to and from `peer` use it from now on.
   */
  addChannel(peer: MemberId, channel: RTCDataChannel | MessagePort): Promise<void>;
  removeChannel(peer: MemberId): Promise<void>;
  /** Round trip and bandwidth to `peer`, measured with `payloadBytes` on the frame channel. */
  measureLink(
    peer: MemberId,
    payloadBytes: number,
  ): Promise<{ roundTripMs: number; bytesPerMs: number }>;
  ask(request: PromptRequest): Promise<void>;
  /** Ends a generation early; its KV slots are free again on every stage. */
  cancel(generation: GenerationId): Promise<void>;
  sample(): Promise<StageSample>;
  counters(): Promise<EngineCounters | null>;
};
