/** The error of our logits is at most that of llama.cpp's own int8 path, with every variant. */
import { expect, test } from "vitest";
import { setTuner, variantSets } from "../../tools/engine/fixed-tuner.ts";
import { expectWithinBudget, goldenLogits } from "../../tools/engine/golden-logits.ts";
import { GOLDENS } from "../../tools/engine/goldens.ts";
import { testDevice } from "../../tools/gpu/device.ts";

/** A short answer, and the one that is the most sensitive to rounding. */
const CHOSEN = ["json-object", "english-list"];
const TIMEOUT_MS = 600_000;

test(
  "every variant that this adapter may run",
  async () => {
    const goldens = GOLDENS.filter(({ name }) => CHOSEN.includes(name));
    expect(goldens).toHaveLength(CHOSEN.length);
    for (const set of variantSets(await testDevice())) {
      const logits = await goldenLogits(goldens, (device) => setTuner(device, set));
      expectWithinBudget(goldens, logits, set.activations, JSON.stringify(set));
    }
  },
  TIMEOUT_MS,
);
