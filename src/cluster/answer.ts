/** What is asked of the room, and what it says while it answers. Plain data. */
import type { GenerationId } from "../shared/ids.ts";
import type { Sampling } from "../shared/sampling.ts";
import type { TokenEvent } from "../shared/stage-port.ts";
import type { ChatTurn } from "./parts.ts";

export type AskInput =
  | { readonly kind: "chat"; readonly messages: readonly ChatTurn[] }
  | { readonly kind: "text"; readonly prompt: string }
  | { readonly kind: "tokens"; readonly tokens: readonly number[] };

export type AskRequest = {
  readonly input: AskInput;
  readonly sampling: Sampling;
  /** null: as many as the context has room for. */
  readonly maxTokens: number | null;
  /** The answer ends before any of these. */
  readonly stop: readonly string[];
  readonly signal?: AbortSignal;
};

export type AnswerEvent =
  /** The first: the prompt as the model sees it. */
  | { readonly kind: "prepared"; readonly model: string; readonly promptTokens: readonly number[] }
  | { readonly kind: "queued"; readonly generation: GenerationId }
  | { readonly kind: "started"; readonly generation: GenerationId }
  | {
      readonly kind: "token";
      readonly token: number;
      /** Text that is now sure; empty while a character or a stop string may be incomplete. */
      readonly text: string;
      readonly logprob: number | null;
      readonly top: TokenEvent["top"];
      readonly computeMs: readonly number[]; // [stages]
      readonly hopMs: readonly number[]; // [stages]
    }
  /** A stage was lost; the answer goes on once the model is placed anew. */
  | { readonly kind: "interrupted"; readonly reason: string }
  | {
      readonly kind: "finished";
      readonly finish: "stop" | "length" | "cancelled";
      /** The last of the text, that was held back. */
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
