/**
 * Some of llama.cpp's answers, before every merge: prose, a chat, code, and data, decoded as
 * one batch. golden.full.browser.test.ts has all of them.
 */
import { expect, test } from "vitest";
import { loadShard } from "../../src/engine/load-shard.ts";
import { DeviceTuner } from "../../src/tuner/tuner.ts";
import { generate } from "../../tools/engine/generate.ts";
import { expectGolden, GOLDENS, openDefaultModel } from "../../tools/engine/goldens.ts";
import { testDevice } from "../../tools/gpu/device.ts";

const CHOSEN = ["english-list", "chat-system", "code-javascript", "json-array"];
const TOKENS = 12;
const TIMEOUT_MS = 300_000;

// error-budget.browser.test.ts compares the logits themselves, with floats too.
test(
  "four answers are llama.cpp's, with int8 activations",
  async () => {
    const batch = GOLDENS.filter(({ name }) => CHOSEN.includes(name));
    expect(batch).toHaveLength(CHOSEN.length);
    const device = await testDevice();
    const { model, bytes } = await openDefaultModel();
    const shard = await loadShard(
      { device, tuner: new DeviceTuner(device) },
      model.shard(0, model.description.layerCount),
      {
        contextTokens: 256,
        sequences: batch.length,
        activations: "int8",
        memoryBudgetBytes: 2 ** 30,
        submitWhileWaiting: false,
      },
      bytes,
      () => undefined,
    );
    const prompts = batch.map(({ promptTokens }) => promptTokens);
    const forced = batch.map(({ tokens }) => tokens);
    const answers = await generate([shard], prompts, TOKENS, { forced });
    batch.forEach((golden, index) => expectGolden(golden, answers[index]!));
    shard.destroy();
  },
  TIMEOUT_MS,
);
