/**
 * How an answer's time was spent: tokens per second, and per stage the mean
 * milliseconds of computing and of the hop that follows. An addition to OpenAI's
 * body, in the field `timings`.
 */
import type { AnswerEvent } from "../../cluster/index.ts";
import type { MemberId, RoomState } from "../../shared/index.ts";

type Part<K extends AnswerEvent["kind"]> = Extract<AnswerEvent, { kind: K }>;

export type Timings = {
  readonly first_token_ms: number | null;
  readonly total_ms: number;
  readonly tokens_per_second: number | null;
  readonly stages: readonly {
    readonly member: MemberId | null;
    readonly first: number | null;
    readonly end: number | null;
    readonly compute_ms: number;
    readonly hop_ms: number;
  }[];
};

export class StageTimes {
  readonly #state: () => RoomState;
  #laps = 0;
  #computeMs: number[] = [];
  #hopMs: number[] = [];

  constructor(state: () => RoomState) {
    this.#state = state;
  }

  /** Adds the lap of one token. The first lap includes the prompt and counts only if it is the only one. */
  add({ computeMs, hopMs }: Part<"token">): void {
    this.#laps += 1;
    // A different number of stages means a different placement.
    if (this.#laps <= 2 || computeMs.length !== this.#computeMs.length) {
      this.#laps = Math.min(this.#laps, 2);
      this.#computeMs = [...computeMs];
      this.#hopMs = [...hopMs];
      return;
    }
    this.#computeMs = this.#computeMs.map((sum, stage) => sum + (computeMs[stage] ?? 0));
    this.#hopMs = this.#hopMs.map((sum, stage) => sum + (hopMs[stage] ?? 0));
  }

  summary({ usage, firstTokenMs, totalMs }: Part<"finished">): Timings {
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
