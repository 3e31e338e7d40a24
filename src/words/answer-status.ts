/** The state of an answer: what it waits for, or how it ended. */
import { plural } from "./quantities.ts";

/**
 * "queued" with text: the answer was interrupted and continues; `recovery` says how far it is.
 * "token_limit": it ended after `Settings.maxAnswerTokens`; "context_full": at the model's context.
 */
export type AnswerStatus =
  | "queued"
  | "streaming"
  | "done"
  | "token_limit"
  | "context_full"
  | "stopped"
  | "failed";

export type Answer = {
  readonly status: AnswerStatus;
  readonly text: string;
  readonly tokens: number;
  readonly error: string | null;
  /** What an answer that lost its stages waits for, from `describeRecovery`. */
  readonly recovery: string | null;
};

/** A sentence or a phrase; null if the answer itself says enough. */
export function describeAnswerStatus(answer: Answer): string | null {
  const { status, text, tokens, error, recovery } = answer;
  switch (status) {
    case "queued":
      return recovery ?? "Waiting in the queue";
    case "streaming":
      if (recovery !== null) return recovery;
      return text === "" ? "Processing the prompt" : null;
    case "token_limit":
      return `The answer reached its limit of ${plural(tokens, "token")}.`;
    case "context_full":
      return "The answer ended because the context is full.";
    case "failed":
      return error ?? "The answer failed for an unknown reason.";
    case "stopped":
    case "done":
      return null;
    default:
      return status satisfies never;
  }
}
