/**
 * What the cluster needs from its tab, as types: `tab` provides the real parts, and
 * tests provide parts that run in Node. The cluster knows nothing about WebRTC, GPUs,
 * or GGUF.
 */
import type { Admission, Transport } from "../mesh/index.ts";
import type { PlacementService } from "../placement/index.ts";
import type {
  Clock,
  MemberId,
  DeviceState,
  LoadPhase,
  Member,
  ModelSource,
  ModelSummary,
  Placement,
  ShardRole,
  StagePort,
  KernelReport,
  RoomEvent,
  RoomState,
} from "../shared/index.ts";

/** The name of the room at the signaling server, where newcomers find the coordinator. */
export type RoomRegistry = {
  /** The member that holds the room, or null if no one does. Rejects if it does not answer in time. */
  lookUp(timeoutMs?: number): Promise<MemberId | null>;
  /** False if another member holds the room. True at once while this member holds it. */
  claim(): Promise<boolean>;
  /** Whether the server answers now. */
  reachesServer(): Promise<boolean>;
  release(): void;
};

/** The tokens of a conversation or a text, and the text of tokens, for one model. */
export type ModelText = {
  /** Applies the model's chat template. Rejects if it has none that works. */
  encodeChat(messages: readonly ChatTurn[]): Promise<Uint32Array<ArrayBuffer>>;
  encodeText(text: string): Promise<Uint32Array<ArrayBuffer>>;
  /** Text of a stream of tokens; holds back the bytes of an incomplete character. */
  decoder(): {
    push(token: number): string;
    /** The rest; incomplete bytes become U+FFFD. */
    finish(): string;
  };
  /** The bytes that a token stands for; a control token's are those of its name. */
  bytesOf(token: number): Uint8Array;
  /** Tokens that end an answer. */
  readonly endTokens: readonly number[];
};
export type ChatTurn = {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
};

/** What shards are built for, besides their layers. */
export type BuiltFor = Readonly<
  Pick<Placement, "model" | "contextTokens" | "generationSlots" | "activations">
>;

export type ShardRequest = BuiltFor & {
  /** The layers `[first, end)`. */
  readonly first: number;
  readonly end: number;
  /** Of the stages before: what they need too, they download, and this tab reads it from them. */
  readonly earlier: readonly { readonly first: number; readonly end: number }[];
  readonly memoryBudgetBytes: number;
  readonly submitWhileWaiting: boolean;
  readonly role: ShardRole;
  /** The layers to load: not those that an extended shard has already. */
  readonly missing: { readonly first: number; readonly end: number };
};

export type LoadProgress = {
  readonly phase: LoadPhase;
  readonly doneBytes: number;
  readonly totalBytes: number;
};

/** Model files, and this tab's shard of one. Rejects with a `FailureError`. */
export type ModelHost = {
  /** Reads the header. */
  inspect(source: ModelSource): Promise<ModelSummary>;
  /** Replaces the shard that this tab holds, unless it loads beside it. */
  loadShard(
    request: ShardRequest,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<{ readonly kernels: KernelReport }>;
  unloadShard(): Promise<void>;
  /** Forgets a shard that was loaded beside the current one. */
  unloadNext(): Promise<void>;
  text(model: ModelSummary): Promise<ModelText>;
};

/** The solver, seen from this thread; in a page it runs in a worker. */
export type Planner = {
  readonly [K in "solve" | "explained"]: (
    ...parameters: Parameters<PlacementService[K]>
  ) => Promise<ReturnType<PlacementService[K]>>;
};

export type RoomParts = {
  readonly transport: Transport;
  /** The room's secret and who may ask to be admitted; the transport uses the same object. */
  readonly admission: Admission;
  /** What this tab knows of the room from before a reload, if it opens the room again. Epochs begin with 1. */
  readonly lastKnown: Pick<RoomState, "epoch" | "admits">;
  readonly registry: RoomRegistry;
  readonly stage: StagePort;
  readonly models: ModelHost;
  readonly planner: Planner;
  /** Connects to a peer; resolves once the stage's frames go there and come back. */
  readonly linkFrames: (peer: MemberId) => Promise<void>;
  /** Starts another stage in place of one that does not respond; the listeners are told. */
  readonly replaceStage?: () => void;
  readonly collectDeviceState: () => Promise<DeviceState>;
  /** This tab as it introduces itself: id, name, adapter, measurements. */
  readonly profile: Member;
  readonly clock: Clock;
  /** Uniform in [0, 1). `Math.random` unless a simulation passes its own. */
  readonly random?: () => number;
  readonly timings?: Partial<Timings>;
};

/** What a tab finds a coordinator with, or becomes one. */
export type SearchParts = Pick<RoomParts, "registry" | "clock"> & {
  readonly self: MemberId;
  readonly random: () => number;
  readonly timings: Timings;
};

/** What the parts of a coordinator work with. */
export type CoordinatorParts = Pick<RoomParts, "clock" | "planner"> & {
  readonly random: () => number;
  readonly timings: Timings;
  readonly state: () => RoomState;
  readonly emit: (event: RoomEvent) => void;
  /** Something has ended or was repaired: the rules may have another step. */
  readonly onSettled: () => void;
  /** Whether the coordinator has a connection to the member. */
  readonly isPresent: (member: MemberId) => boolean;
};

/** Milliseconds. */
export const DEFAULT_TIMINGS = {
  /** For the reply to a join or a command. */
  answerMs: 15_000,
  /** Between two attempts to find or become the coordinator. */
  retryMs: 300,
  /** A newcomer that finds no coordinator for this long gives up. */
  recoveryMs: 45_000,
  /** How long an election waits for members that do not answer. */
  electionMs: 700,
  /** The same, without those that hold the placed model. */
  isolationMs: 3_000,
  /** Between two checks of a coordinator for the room's name and for a second coordinator. */
  watchMs: 500,
  /** How long a coordinator looks for a member whose link ended. */
  missingMs: 600_000,
  /** How long the ends of a link that is down may repair it, unless its round trips are slow. */
  repairMs: 3_000,
  /** Members that do not rejoin a new coordinator in time have left. */
  rejoinMs: 15_000,
  /** How long a placement waits for links to be measured. */
  linksMs: 4_000,
  /** The solver's deadline, and when the greedy rules take its place. */
  solveMs: 100,
  watchdogMs: 5_000,
  /** After a change of members or settings, before the current placement is reviewed. */
  settleMs: 1_500,
  /** After a move, before another move for gain alone. */
  cooldownMs: 30_000,
  /** Between two progress reports, so that the log stays small. */
  progressMs: 300,
  /** Between two attempts to read a model whose bytes could not be had. */
  sourceRetryMs: 2_000,
  /**
   * A member that loads nothing new for so long does not load its layers. A source that sends nothing is
   * retried for three minutes, but its bytes come in steps of 4 MiB: this allows 35 kB/s.
   */
  loadSilenceMs: 120_000,
};
export type Timings = { readonly [Name in keyof typeof DEFAULT_TIMINGS]: number };
