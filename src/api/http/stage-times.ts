/**
 * How an answer's time was spent: tokens per second, and per stage the mean
 * milliseconds of computing and of the hop that follows. An addition to OpenAI's
 * body, in the field `timings`.
 */
import { type AnswerEvent, LapTimes } from "../../cluster/index.ts";
import type { RoomState } from "../../shared/index.ts";

export class StageTimes {
  readonly #state: () => RoomState;
  readonly #laps = new LapTimes();

  constructor(state: () => RoomState) {
    this.#state = state;
  }

  /** An interrupted answer continues on other stages, whose times alone count. */
  add(event: AnswerEvent): void {
    if (event.kind === "token") this.#laps.add(event);
    if (event.kind === "interrupted") this.#laps.restart();
  }

  summary({ usage, firstTokenMs, totalMs }: Extract<AnswerEvent, { kind: "finished" }>) {
    const stages = this.#state().placement?.stages ?? [];
    const decodeMs = firstTokenMs === null ? null : totalMs - firstTokenMs;
    return {
      first_token_ms: firstTokenMs,
      total_ms: totalMs,
      tokens_per_second:
        decodeMs !== null && decodeMs > 0 && usage.completionTokens > 1
          ? ((usage.completionTokens - 1) * 1000) / decodeMs
          : null,
      stages: this.#laps.mean().map(({ computeMs, hopMs }, index) => ({
        member: stages[index]?.member ?? null,
        first: stages[index]?.first ?? null,
        end: stages[index]?.end ?? null,
        compute_ms: computeMs,
        hop_ms: hopMs,
      })),
    };
  }
}
