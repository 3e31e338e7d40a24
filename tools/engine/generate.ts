/** Drives shards as a pipeline in one tab, for tests: prefill in chunks, then decode. */
import type { SampleRequest, Shard, StepRow } from "../../src/engine/index.ts";
import { GREEDY } from "../../src/shared/index.ts";

export const GREEDY_REQUEST: SampleRequest = {
  sampling: GREEDY,
  random: 0,
  recentTokens: new Uint32Array(),
};

/** The part of a shard that generation uses. */
export type Steps = Pick<Shard, "maxRows" | "step">;

export type GenerateOptions = {
  readonly chunk?: number;
  readonly request?: (position: number) => SampleRequest;
  /** Fed in place of the tokens that were chosen. */
  readonly forced?: readonly (readonly number[])[];
};

/** One step through all shards; the tokens of the rows that requested one. */
export async function stepAll(shards: readonly Steps[], rows: readonly StepRow[]) {
  let hidden: Float32Array | null = null;
  for (const shard of shards) {
    const isLast = shard === shards.at(-1);
    const given = rows.map((row) => (isLast ? row : { ...row, sample: null }));
    const result = await shard.step(given, hidden);
    if (result.kind === "tokens") return result.tokens;
    hidden = result.hidden;
  }
  throw new Error("the last shard gave no tokens");
}

/** `count` tokens after each prompt (or one count for each); the prompts decode together, one sequence each. */
export async function generate(
  shards: readonly Steps[],
  prompts: readonly (readonly number[])[],
  count: number | readonly number[],
  { chunk = shards[0]!.maxRows, request = () => GREEDY_REQUEST, forced }: GenerateOptions = {},
): Promise<number[][]> {
  const answers: number[][] = prompts.map(() => []);
  for (const [sequence, prompt] of prompts.entries()) {
    for (let first = 0; first < prompt.length; first += chunk) {
      const rows = prompt.slice(first, first + chunk).map((token, i) => {
        const position = first + i;
        const last = position === prompt.length - 1;
        return { sequence, position, token, sample: last ? request(position) : null };
      });
      const [sampled] = await stepAll(shards, rows);
      if (sampled !== undefined) answers[sequence]!.push(sampled.token);
    }
  }
  const wanted = (sequence: number) => (typeof count === "number" ? count : count[sequence]!);
  for (;;) {
    const rows = prompts.flatMap((prompt, sequence) => {
      const answer = answers[sequence]!;
      if (answer.length >= wanted(sequence)) return [];
      const position = prompt.length + answer.length - 1;
      const token = forced?.[sequence]?.[answer.length - 1] ?? answer.at(-1)!;
      return [{ sequence, position, token, sample: request(position) }];
    });
    if (rows.length === 0) return answers;
    for (const { row, token } of await stepAll(shards, rows)) {
      answers[rows[row]!.sequence]!.push(token);
    }
  }
}
