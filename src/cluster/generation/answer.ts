/** A request to the room for an answer, and the events of that answer. Plain data. */
import type {
  GenerationId,
  RecoveryProgress,
  RoomFailure,
  Sampling,
  TokenEvent,
} from "../../shared/index.ts";
import type { ChatTurn } from "../parts.ts";

export type AskInput =
  | { readonly kind: "chat"; readonly messages: readonly ChatTurn[] }
  | { readonly kind: "text"; readonly prompt: string }
  | { readonly kind: "tokens"; readonly tokens: readonly number[] };

export type AskRequest = {
  readonly input: AskInput;
  readonly sampling: Sampling;
  /** null: as many as the context holds. */
  readonly maxTokens: number | null;
  /** The answer ends before any of these. */
  readonly stop: readonly string[];
  readonly signal?: AbortSignal;
};

export type AnswerEvent =
  /** Always first: the prompt as the model reads it. */
  | { readonly kind: "prepared"; readonly model: string; readonly promptTokens: readonly number[] }
  | { readonly kind: "queued"; readonly generation: GenerationId }
  | { readonly kind: "started"; readonly generation: GenerationId }
  | (Pick<TokenEvent, "token" | "logprob" | "top" | "computeMs" | "hopMs"> & {
      readonly kind: "token";
      /** Text that is final; empty while a character or a stop string may be incomplete. */
      readonly text: string;
    })
  /** A stage was lost; the answer continues once the model is placed again. */
  | { readonly kind: "interrupted"; readonly failure: RoomFailure }
  /** What the interrupted answer waits for; after each change, until its next token. */
  | { readonly kind: "recovering"; readonly progress: RecoveryProgress }
  | {
      readonly kind: "finished";
      readonly finish: "stop" | "length" | "cancelled";
      /** With "length": whether the requested tokens or the model's context ended it. */
      readonly limit: "tokens" | "context" | null;
      /** The rest of the text, which was held back. */
      readonly text: string;
      readonly usage: AnswerUsage;
      readonly firstTokenMs: number | null;
      readonly totalMs: number;
    };

export type AnswerUsage = {
  readonly promptTokens: number;
  /** The end token included. */
  readonly completionTokens: number;
};
