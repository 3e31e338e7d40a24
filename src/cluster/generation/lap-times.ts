/**
 * The stage times of one answer's laps: the one collector for the cost model's
 * corrections, the page, and HTTP. A lap that carries the prompt is not counted,
 * since it says nothing of the laps that follow.
 */
export type Lap = {
  readonly computeMs: readonly number[]; // [stages]
  readonly hopMs: readonly number[]; // [stages]
};

export type MeanStageTime = { readonly computeMs: number; readonly hopMs: number };

export class LapTimes {
  #isFirst = true;
  #laps = 0;
  #computeMs: readonly number[] = [];
  #hopMs: readonly number[] = [];

  /** The next lap carries a prompt and belongs to other stages. */
  restart(): void {
    this.#isFirst = true;
    this.#laps = 0;
    this.#computeMs = [];
    this.#hopMs = [];
  }

  /** Whether the lap counts: not the first one after a restart. */
  add({ computeMs, hopMs }: Lap): boolean {
    if (this.#isFirst) {
      this.#isFirst = false;
      return false;
    }
    this.#laps += 1;
    this.#computeMs = sum(this.#computeMs, computeMs);
    this.#hopMs = sum(this.#hopMs, hopMs);
    return true;
  }

  /** One mean per stage; empty before the second lap. */
  mean(): MeanStageTime[] {
    return this.#computeMs.map((computeMs, stage) => ({
      computeMs: computeMs / this.#laps,
      hopMs: (this.#hopMs[stage] ?? 0) / this.#laps,
    }));
  }
}

function sum(sums: readonly number[], values: readonly number[]): number[] {
  return values.map((value, stage) => (sums[stage] ?? 0) + value);
}
