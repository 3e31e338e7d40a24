/** What a bench asks its own member of a room, and what that member has seen. Times are ms since 1970. */
import type { MemberId, RoomEvent } from "../../src/shared/index.ts";

export type RoomRequest =
  | { readonly kind: "join"; readonly server: string; readonly code: string }
  /** Resolves at once; `answer` reads it. */
  | { readonly kind: "ask"; readonly tokens: readonly number[]; readonly maxTokens: number }
  | { readonly kind: "answer" }
  /** Ends the answer in progress. */
  | { readonly kind: "stop" }
  /** Changes of the room since the last such request. */
  | { readonly kind: "changes" }
  | { readonly kind: "interval"; readonly telemetryIntervalMs: number }
  /** Fills a log with device states, as far as a log keeps them. */
  | { readonly kind: "fill_log"; readonly members: number };

export type AnswerReply = {
  readonly askedAtMs: number;
  /** When the room last began to compute it; null before. */
  readonly startedAtMs: number | null;
  readonly tokens: readonly number[];
  /** When each token arrived. */
  readonly atMs: readonly number[];
  readonly interruptedAtMs: readonly number[];
  readonly finished: boolean;
  /** Null unless the answer failed. */
  readonly error: string | null;
};

export type Change = {
  readonly atMs: number;
  readonly type: RoomEvent["type"] | "snapshot_or_connection";
  readonly member: MemberId | null;
  /** Of a device state: when its member collected it. */
  readonly collectedAtMs: number | null;
};
