/**
 * What the page shows: the room's state, and what is local to this tab. Built by
 * `src/page`, rendered by `ui`. Plain data, replaced and never mutated.
 */
import type { MemberId, RoomCode, RoomState, Stage } from "../shared/index.ts";
import type { Answer, DescribedNotice, Score } from "../words/index.ts";

/** The milliseconds that one stage spends on a token. */
export type StageTiming = {
  readonly member: MemberId;
  readonly computeMs: number;
  /** From this stage's end to the next stage's start; from the last, back to the first. Infinity without a link. */
  readonly hopMs: number;
};

/** A question has the status "done". */
export type ChatMessage = Answer & {
  readonly role: "user" | "assistant";
  readonly tokensPerSecond: number | null;
  readonly firstTokenMs: number | null;
};

export type ProgressView = {
  readonly label: string;
  /** From 0 to 1; null if it is unknown. */
  readonly fraction: number | null;
};

/** Whether this tab can compute; known before it joins. */
export type AdapterCheck = {
  readonly status: "checking" | "ready" | "none";
  /** The adapter, or why there is none and what to do. */
  readonly message: string;
};

/** A stage, and what the cost model predicts for it. */
export type StagePrediction = Stage &
  StageTiming & {
    /** Why the member cannot hold these layers, in words; null if it can. */
    readonly problem: string | null;
  };

/** A possible placement of a model, with its predicted cost. */
export type PlacementCandidate = {
  /** Such as "Fastest answer". */
  readonly label: string;
  readonly stages: readonly StagePrediction[];
  readonly msPerToken: number;
  readonly tokensPerSecond: number;
  /** Sentences: its cost, what limits each share, who was left out, and what including them would cost. */
  readonly explanation: readonly string[];
  /** Why it is impossible; null if it is possible. */
  readonly infeasible: string | null;
};

/** The possible placements of a model; `draft` answers the command `draft_stages`. */
export type PlacementPreview = {
  readonly model: string;
  readonly draft: PlacementCandidate | null;
  readonly candidates: readonly PlacementCandidate[];
};

/** The position in a saved log. */
export type ReplayView = {
  /** Events applied, of `length`. */
  readonly position: number;
  readonly length: number;
  /** A sentence about the last of them; null before the first. */
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
  /** The signaling server cannot be reached: the room continues, and nobody can join. */
  readonly serverLost?: boolean;
  readonly notice: DescribedNotice | null;
  readonly progress: ProgressView | null;
  readonly chat: readonly ChatMessage[];
  readonly timings: readonly StageTiming[];
  /** Models that the server offers, by name and address. */
  readonly offeredModels: readonly { readonly name: string; readonly url: string }[];
  readonly adapterCheck?: AdapterCheck | null;
  /** The predicted times of the current stages. */
  readonly predicted?: readonly StageTiming[];
  readonly placementPreview?: PlacementPreview | null;
  /** Scores of the members that compute, best first. */
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
