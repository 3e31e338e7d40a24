/**
 * The error of our logits is at most that of llama.cpp's own int8 path, over some of the golden
 * prompts, with int8 activations wherever they may be used. error-budget.full.browser.test.ts tests
 * floats and every variant.
 */
import { expect, test } from "vitest";
import { expectWithinBudget, goldenLogits } from "../../tools/engine/golden-logits.ts";
import { GOLDENS } from "../../tools/engine/goldens.ts";

const CHOSEN = ["json-object", "english-list"];

const TRAITS = { lowParallelism: true };

const TIMEOUT_MS = 300_000;

test(
  "with int8 activations",
  async () => {
    const goldens = GOLDENS.filter(({ name }) => CHOSEN.includes(name));
    expect(goldens).toHaveLength(CHOSEN.length);
    const sets = [{ traits: TRAITS, activations: "int8" as const, index: 0 }];
    expectWithinBudget(goldens, await goldenLogits(goldens, sets), sets);
  },
  TIMEOUT_MS,
);
