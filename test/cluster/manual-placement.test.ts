/** Which stages that a person chose are refused. */
import { expect, test } from "vitest";
import { checkStages } from "../../src/cluster/planning/manual-placement.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { RoomState } from "../../src/shared/state.ts";
import { sampleState } from "../../tools/room/sample-events.ts";
import { modelSummary, profile } from "../../tools/room/test-data.ts";

const member = MemberId.parse("solo");

/** Layers with a cache of 10 bytes per token: 6 layers, 4 slots. */
const model = modelSummary({
  contextTokens: 256,
  layers: modelSummary().layers.map((layer) => ({ ...layer, kvBytesPerToken: 10 })),
});
const NEEDED = 6 * (1000 + 10 * 256 * 4) + 500;

function roomOf(budgetBytes: number, contextTokens: number): RoomState {
  const state = sampleState();
  return {
    ...state,
    members: [profile("solo", budgetBytes)],
    settings: { ...state.settings, contextTokens, generationSlots: 4 },
  };
}
const whole = [{ member, first: 0, end: 6 }];

test("the cache is counted for the model's own context if the room's is larger", () => {
  expect(() => checkStages(roomOf(NEEDED, 100_000), model, whole)).not.toThrow();
});

test("one byte less is one byte short", () => {
  expect(() => checkStages(roomOf(NEEDED - 1, 100_000), model, whole)).toThrow(
    expect.objectContaining({
      failure: expect.objectContaining({
        reason: "stage_exceeds_memory",
        neededBytes: NEEDED,
        availableBytes: NEEDED - 1,
      }) as unknown,
    }),
  );
});

test("a shorter context in the room's settings needs less", () => {
  expect(() => checkStages(roomOf(NEEDED - 1, 128), model, whole)).not.toThrow();
});
