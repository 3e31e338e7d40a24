/**
 * All that the page shows besides the room's state: local to this tab, built by
 * `src/page`, rendered by `ui`. Plain data, replaced and never mutated.
 */
import type { GenerationId, MemberId, RoomCode, RoomState } from "../shared/index.ts";
import type { AnswerStatus, DescribedNotice, Score } from "../words/index.ts";

/** The milliseconds that one stage spends on a token. */
export type StageTiming = {
  readonly member: MemberId;
  readonly computeMs: number;
  /** From this stage's end to the next stage's start; from the last, back to the first. */
  readonly hopMs: number;
};

export type ChatMessage = {
  readonly role: "user" | "assistant";
  readonly text: string;
  /** Set while the answer is being written and kept after it. */
  readonly generation: GenerationId | null;
  readonly status: AnswerStatus;
  readonly error: string | null;
  /** Why the answer pauses, and how far its recovery is; null while it does not. */
  readonly recovery: string | null;
  readonly tokens: number;
  readonly tokensPerSecond: number | null;
  readonly firstTokenMs: number | null;
};

export type ProgressView = {
  readonly label: string;
  /** 0 to 1; null when it cannot be told. */
  readonly fraction: number | null;
};

/** Whether this tab can compute, told before it joins. */
export type AdapterCheck = {
  readonly status: "checking" | "ready" | "none";
  /** What was found, or why there is nothing and what to do. */
  readonly message: string;
};

/** What the cost model says of one stage. */
export type StagePrediction = {
  readonly member: MemberId;
  readonly first: number;
  readonly end: number;
  readonly computeMs: number;
  readonly hopMs: number;
  readonly memoryBytes: number;
  /** Why the stage cannot be so, in words; null when it can. */
  readonly problem: string | null;
};

/** One way to place a model, with what it would cost. */
export type PlacementCandidate = {
  /** What sets it apart, such as "lowest latency". */
  readonly label: string;
  readonly stages: readonly StagePrediction[];
  readonly msPerToken: number;
  readonly tokensPerSecond: number;
  /** Lines for people: what binds, who was left out and what including them would cost. */
  readonly explanation: readonly string[];
  /** Why it cannot be; null when it can. */
  readonly infeasible: string | null;
};

/** What the room could do with a model; `draft` answers the command `draft_stages`. */
export type PlacementPreview = {
  readonly model: string;
  readonly draft: PlacementCandidate | null;
  readonly candidates: readonly PlacementCandidate[];
  /** Lines for people: why what runs is as it is. */
  readonly why?: readonly string[];
  /** Why the model cannot be placed and what would help; null when it can. */
  readonly reason?: string | null;
};

/** Where a person is in a saved log. */
export type ReplayView = {
  /** Events applied, of `length`. */
  readonly position: number;
  readonly length: number;
  /** The last of them in words; null before the first. */
  readonly event: string | null;
};

export type PageView = {
  /** "replay": a saved log is shown, and nothing can be changed. */
  readonly phase: "outside" | "joining" | "inside" | "replay";
  readonly replay?: ReplayView | null;
  readonly self: MemberId | null;
  /** The code in the address, while no room is open. */
  readonly code: RoomCode | null;
  /** The address that another machine opens to join; shown as text and QR code. */
  readonly joinUrl: string | null;
  readonly state: RoomState | null;
  readonly connection: "connected" | "reconnecting" | "lost";
  /** The signaling server cannot be reached: the room goes on, and nobody can join. */
  readonly serverLost?: boolean;
  readonly notice: DescribedNotice | null;
  readonly progress: ProgressView | null;
  readonly chat: readonly ChatMessage[];
  readonly timings: readonly StageTiming[];
  /** Models that the server lends, by name and address. */
  readonly offeredModels: readonly { readonly name: string; readonly url: string }[];
  readonly adapterCheck?: AdapterCheck | null;
  /** The cost model's word on each stage of the placement that runs; beside `timings`. */
  readonly predicted?: readonly StageTiming[];
  readonly placementPreview?: PlacementPreview | null;
  /** Of the members that compute, best first. */
  readonly scores?: readonly Score[];
};

/** Before anything is known. */
export const EMPTY_VIEW: PageView = {
  phase: "outside",
  self: null,
  code: null,
  joinUrl: null,
  state: null,
  connection: "connected",
  notice: null,
  progress: null,
  chat: [],
  timings: [],
  offeredModels: [],
};
