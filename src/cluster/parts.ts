/**
 * What a room needs of this tab, as types: `main.ts` hands in the real parts,
 * a test hands in what runs in Node. The cluster knows no WebRTC, no GPU and no
 * GGUF; it decides who does what, and when.
 */
import type { Transport } from "../mesh/index.ts";
import type { PlacementService } from "../placement/index.ts";
import type { MemberId, DeviceState, Member, ModelSource, ModelSummary } from "../shared/index.ts";
import type { StageWorker } from "../stage/index.ts";

/**
 * The one name under which a room is found at the signalling server. Whoever
 * holds it is the coordinator.
 */
export type Door = {
  /** Who holds the door, or null when nobody does. Rejects with words when nobody can be asked. */
  knock(): Promise<MemberId | null>;
  /** Takes the door; false when another member was faster. */
  claim(): Promise<boolean>;
  release(): void;
};

/** The tokens of a conversation or a text, and the text of tokens, for one model. */
export type ModelText = {
  /** Through the model's own chat template. Rejects with words when it has none that works. */
  encodeChat(messages: readonly ChatTurn[]): Promise<Uint32Array<ArrayBuffer>>;
  encodeText(text: string): Promise<Uint32Array<ArrayBuffer>>;
  /** Text of a stream of tokens; holds back bytes that do not end a character yet. */
  decoder(): TokenDecoder;
  /** The bytes that a token stands for; a control token's are those of its name. */
  bytesOf(token: number): Uint8Array;
  /** Tokens that end an answer. */
  readonly endTokens: Uint32Array<ArrayBuffer>;
};
export type TokenDecoder = {
  push(token: number): string;
  /** What was held back; incomplete bytes become U+FFFD. */
  flush(): string;
};
export type ChatTurn = {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
};

export type ShardRequest = {
  readonly model: ModelSummary;
  /** The layers `[first, end)`. */
  readonly first: number;
  readonly end: number;
  readonly contextTokens: number;
  readonly sequences: number;
  readonly activations: "float" | "int8";
  readonly memoryBudgetBytes: number;
  readonly submitWhileWaiting: boolean;
};

export type LoadProgress = {
  /** "downloading", "uploading", "compiling". */
  readonly phase: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
};

/** Model files as this tab reaches them, and this tab's shard of one. */
export type ModelHost = {
  /** Reads the header. Rejects with words: unreachable, refused by CORS, not a GGUF, unsupported. */
  inspect(source: ModelSource): Promise<ModelSummary>;
  /** Replaces the shard that this tab holds. Rejects with words. */
  loadShard(
    request: ShardRequest,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<{ readonly variants: readonly string[] }>;
  unloadShard(): Promise<void>;
  text(model: ModelSummary): Promise<ModelText>;
};

/** The part of the stage worker that the cluster drives; shards are the host's. */
export type StagePort = Pick<
  StageWorker,
  "listen" | "setPipeline" | "measureLink" | "ask" | "cancel"
>;

/** The solver, as it is reached from this thread: behind a worker in a page. */
export type Planner = {
  readonly [K in "solve" | "explained" | "front"]: (
    ...parameters: Parameters<PlacementService[K]>
  ) => Promise<ReturnType<PlacementService[K]>>;
};

export type RoomParts = {
  readonly transport: Transport;
  readonly door: Door;
  readonly stage: StagePort;
  readonly models: ModelHost;
  readonly planner: Planner;
  /** Connects to a peer and sees to it that the stage has the frame channel to it. */
  readonly linkFrames: (peer: MemberId) => Promise<void>;
  readonly collectDeviceState: () => Promise<DeviceState>;
  /** This tab as it introduces itself: id, name, adapter, measurements. */
  readonly profile: Member;
  readonly nowMs: () => number;
  readonly timings?: Partial<Timings>;
};

/** Milliseconds; the defaults are in `DEFAULT_TIMINGS`. */
export type Timings = {
  /** For an answer to a join, a command or a request for events. */
  readonly answerMs: number;
  /** Between two attempts to find or become the coordinator. */
  readonly retryMs: number;
  /** After this long without a coordinator the room is lost. */
  readonly recoveryMs: number;
  /** Members that do not come back to a new coordinator within this have left. */
  readonly rejoinMs: number;
  /** How long a placement waits for links to be measured. */
  readonly linksMs: number;
  /** The solver's deadline, and after which the greedy answer is taken. */
  readonly solveMs: number;
  readonly watchdogMs: number;
  /** After a change of members or settings, before the current placement is reviewed. */
  readonly settleMs: number;
  /** After a move, before another move for gain alone. */
  readonly cooldownMs: number;
  /** The least time between two progress reports, so that the log stays small. */
  readonly progressMs: number;
  /** How long samples of several members are gathered into one event. */
  readonly gatherMs: number;
};

export const DEFAULT_TIMINGS: Timings = {
  answerMs: 15_000,
  retryMs: 300,
  recoveryMs: 45_000,
  rejoinMs: 15_000,
  linksMs: 4_000,
  solveMs: 100,
  watchdogMs: 5_000,
  settleMs: 1_500,
  cooldownMs: 30_000,
  progressMs: 300,
  gatherMs: 100,
};
