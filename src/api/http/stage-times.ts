/**
 * Where the time of an answer went: tokens per second, and per stage the mean
 * milliseconds of compute and of the hop that follows. An addition to OpenAI's
 * body, in the field `timings`.
 */
import type { AnswerEvent } from "../../cluster/answer.ts";
import type { RoomState } from "../../shared/state.ts";

type Part<K extends AnswerEvent["kind"]> = Extract<AnswerEvent, { kind: K }>;

export class StageTimes {
  readonly #state: () => RoomState;
  #laps = 0;
  #computeMs: number[] = [];
  #hopMs: number[] = [];

  constructor(state: () => RoomState) {
    this.#state = state;
  }

  /** Counts the lap of one token; the first, with the prompt in it, only when it is the only one. */
  add({ computeMs, hopMs }: Part<"token">): void {
    this.#laps += 1;
    // The first lap carries the prompt; another count of stages comes from another placement.
    if (this.#laps <= 2 || computeMs.length !== this.#computeMs.length) {
      this.#laps = Math.min(this.#laps, 2);
      this.#computeMs = [...computeMs];
      this.#hopMs = [...hopMs];
      return;
    }
    this.#computeMs = this.#computeMs.map((sum, stage) => sum + (computeMs[stage] ?? 0));
    this.#hopMs = this.#hopMs.map((sum, stage) => sum + (hopMs[stage] ?? 0));
  }

  summary({ usage, firstTokenMs, totalMs }: Part<"finished">) {
    const laps = Math.max(1, this.#laps - 1);
    const stages = this.#state().placement?.stages ?? [];
    const decodeMs = firstTokenMs === null ? null : totalMs - firstTokenMs;
    return {
      first_token_ms: firstTokenMs,
      total_ms: totalMs,
      tokens_per_second:
        decodeMs !== null && decodeMs > 0 && usage.completionTokens > 1
          ? ((usage.completionTokens - 1) * 1000) / decodeMs
          : null,
      stages: this.#computeMs.map((computeMs, index) => ({
        member: stages[index]?.member ?? null,
        first: stages[index]?.first ?? null,
        end: stages[index]?.end ?? null,
        compute_ms: computeMs / laps,
        hop_ms: (this.#hopMs[index] ?? 0) / laps,
      })),
    };
  }
}
