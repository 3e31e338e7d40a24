/** The error of our logits is at most that of llama.cpp's own int8 path, with every variant. */
import { expect, test } from "vitest";
import { type VariantSet, variantSets } from "../../tools/engine/fixed-tuner.ts";
import { expectWithinBudget, goldenLogits } from "../../tools/engine/golden-logits.ts";
import { GOLDENS } from "../../tools/engine/goldens.ts";
import { testDevice } from "../../tools/gpu/device.ts";

/** A short answer, and the one that is the most sensitive to rounding. */
const CHOSEN = ["english-list", "json-object"];
const TIMEOUT_MS = 600_000;

/** SwiftShader takes minutes for a GPU's kernels in a whole model; lavapipe runs them. */
const isSlow = navigator.userAgent.includes("Chrome");

const chosen = GOLDENS.filter(({ name }) => (isSlow ? CHOSEN.slice(0, 1) : CHOSEN).includes(name));

async function expectSets(sets: readonly VariantSet[], goldens = chosen) {
  expectWithinBudget(goldens, await goldenLogits(goldens, sets), sets);
}

if (!isSlow)
  test(
    "int8 activations, over all golden prompts but the two of hundreds of tokens",
    async () => {
      const goldens = GOLDENS.filter(({ name }) => !name.startsWith("long-"));
      expect(goldens.length).toBeGreaterThan(20);
      const traits = { lowParallelism: true };
      await expectSets([{ traits, activations: "int8", index: 0 }], goldens);
    },
    TIMEOUT_MS,
  );

test(
  "every variant that this adapter may run",
  async () => {
    const sets = variantSets(await testDevice()).filter(
      ({ traits }) => !isSlow || traits.lowParallelism,
    );
    for (const set of sets) await expectSets([set]);
  },
  TIMEOUT_MS,
);

test(
  "layers on two adapters with different variants",
  async () => {
    const int8 = { activations: "int8", index: 0 } as const;
    await expectSets([
      { traits: { lowParallelism: true }, ...int8 },
      { traits: { lowParallelism: isSlow }, ...int8, index: 1 },
    ]);
  },
  TIMEOUT_MS,
);
