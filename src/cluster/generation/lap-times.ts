/**
 * The stage times of one answer's laps: the one collector for the cost model's
 * corrections, the page, and HTTP. The first lap carries the prompt, so it counts only
 * while it is the only one.
 */
import type { TokenEvent } from "../../shared/index.ts";

export type Lap = Pick<TokenEvent, "computeMs" | "hopMs">;

export type MeanStageTime = { readonly computeMs: number; readonly hopMs: number };

export class LapTimes {
  #first: Lap | null = null;
  #laps = 0;
  #sums: Lap = { computeMs: [], hopMs: [] };

  /** The next lap carries a prompt and belongs to other stages. */
  restart(): void {
    this.#first = null;
    this.#laps = 0;
  }

  /** Whether the lap is one of a single token: not the first after a restart. */
  add(lap: Lap): boolean {
    if (this.#first === null) {
      this.#first = lap;
      return false;
    }
    // Another number of stages is another placement.
    const continues = this.#laps > 0 && lap.computeMs.length === this.#sums.computeMs.length;
    this.#sums = continues ? sumOf(this.#sums, lap) : lap;
    this.#laps = continues ? this.#laps + 1 : 1;
    return true;
  }

  /** One mean per stage. */
  mean(): MeanStageTime[] {
    const { computeMs, hopMs } = this.#laps > 0 ? this.#sums : (this.#first ?? NO_LAP);
    const laps = Math.max(1, this.#laps);
    return computeMs.map((sum, stage) => ({
      computeMs: sum / laps,
      hopMs: (hopMs[stage] ?? 0) / laps,
    }));
  }
}

const NO_LAP: Lap = { computeMs: [], hopMs: [] };

function sumOf(sums: Lap, { computeMs, hopMs }: Lap): Lap {
  return { computeMs: added(sums.computeMs, computeMs), hopMs: added(sums.hopMs, hopMs) };
}

function added(sums: readonly number[], values: readonly number[]): number[] {
  return values.map((value, stage) => (sums[stage] ?? 0) + value);
}
