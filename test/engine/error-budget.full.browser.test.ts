/** The error of our logits is at most that of llama.cpp's own int8 path, with every variant. */
import { test } from "vitest";
import { setTuner, variantSets } from "../../tools/engine/fixed-tuner.ts";
import { expectWithinBudget, goldenLogits } from "../../tools/engine/golden-logits.ts";
import { GOLDENS } from "../../tools/engine/goldens.ts";
import { testDevice } from "../../tools/gpu/device.ts";

/** A short answer, and the one that is the most sensitive to rounding. */
const CHOSEN = ["english-list", "json-object"];
const TIMEOUT_MS = 600_000;

/**
 * SwiftShader takes a minute for a GPU's kernels. It runs those with the largest error, which use
 * subgroups there; lavapipe runs all others.
 */
const isSlow = navigator.userAgent.includes("Chrome");

test(
  "every variant that this adapter may run",
  async () => {
    const goldens = GOLDENS.filter(({ name }) =>
      (isSlow ? CHOSEN.slice(0, 1) : CHOSEN).includes(name),
    );
    const sets = variantSets(await testDevice()).filter(
      ({ traits, activations, index }) =>
        !isSlow || traits.lowParallelism || (activations === "int8" && index === 0),
    );
    for (const set of sets) {
      const logits = await goldenLogits(goldens, (device) => setTuner(device, set));
      expectWithinBudget(goldens, logits, set.activations, JSON.stringify(set));
    }
  },
  TIMEOUT_MS,
);
