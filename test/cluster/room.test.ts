/** A room end to end in Node: join, place, answer; over real stages and memory channels. */
import { describe, expect, test } from "vitest";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { HALF, MODEL_URL } from "../../tools/room/test-data.ts";
import { codes } from "../../tools/room/test-host.ts";
import { ask, collect, withRoom } from "../../tools/room/test-room.ts";

const PROMPT = "HELLO ROOM";

describe("an answer", () => {
  test.each([
    { memory: [10_000], stages: 1 },
    { memory: [HALF, HALF], stages: 2 },
    { memory: [2600, 2600, 2600], stages: 3 },
  ])("over $stages stages is that of one shard", async ({ memory, stages }) => {
    await withRoom(async (room) => {
      for (const [index, memoryBytes] of memory.entries()) {
        await room.add(`tab${index}`, { memoryBytes });
      }
      const watcher = await room.add("watcher", { observes: true });
      await [...room.tabs.values()][0]!.client.place({ model: MODEL_URL });
      expect(watcher.client.state.placement?.stages).toHaveLength(stages);
      const { tokens, text, events } = await collect(watcher.client.ask(ask(PROMPT)));
      expect(tokens).toEqual(await referenceAnswer([...codes(PROMPT)], 8));
      expect(text).toBe(tokens.map((token) => String.fromCharCode(32 + token)).join(""));
      expect(events.at(-1)).toMatchObject({
        kind: "finished",
        finish: "length",
        usage: { promptTokens: PROMPT.length, completionTokens: 8 },
      });
      await room.until(({ generations }) => generations.length === 0, "the generation to end");
    });
  });
});

test("a model is placed by its file name as by its id", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a");
    const { name } = await client.addModel(MODEL_URL);
    await client.place({ model: `${name}.gguf` });
    expect(client.state.placement).toMatchObject({ ready: true, model: { name } });
    const stages = [{ member: client.self, first: 0, end: 6 }];
    await client.place({ model: `${name}.GGUF`, stages });
    expect(client.state.placement).toMatchObject({ stages, predictedMs: null });
  });
});
