/** A room's possible placements as the page shows them: labels, numbers, and what the lines are about. */
import { expect, test } from "vitest";
import { previewOf } from "../../src/page/preview-view.ts";
import { HALF, MODEL_URL } from "../../tools/room/test-data.ts";
import { withRoom } from "../../tools/room/test-room.ts";

test("the placement that runs is explained: its cost, its share, its proof, who was left out", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a1");
    await room.add("b1");
    await client.place({ model: MODEL_URL });
    const { model } = client.state.placement!;
    const preview = await client.preview(model);
    const [current] = previewOf(preview, client.state.members).candidates;
    expect(preview.candidates[0]?.origins.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["solver", "current"]),
    );
    expect(preview.explanation?.leftOut).toMatchObject([{ kind: "costs_more", member: "b1" }]);
    expect(current?.explanation).toHaveLength(4);
  });
});

test("an infeasible model has a refusal, and no candidate is feasible", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a1", { memoryBytes: HALF });
    const model = await client.addModel(MODEL_URL);
    const preview = await client.preview(model);
    expect(preview.refusal).toMatchObject({
      kind: "infeasible",
      binds: "memory",
      shortBytes: 2800,
      remedies: [{ kind: "add_member" }, { kind: "shrink_weights" }],
    });
    expect(preview.candidates[0]?.violations).toMatchObject([{ kind: "memory", member: "a1" }]);
    const { candidates } = previewOf(preview, client.state.members);
    expect(candidates.every(({ infeasible }) => infeasible !== null)).toBe(true);
  });
});

test("each stage of a pipeline has a share with its limit", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a1", { memoryBytes: HALF });
    await room.add("b1", { memoryBytes: HALF });
    await client.place({ model: MODEL_URL });
    const { model } = client.state.placement!;
    const preview = await client.preview(model);
    const [best] = preview.candidates;
    expect(best?.stages).toHaveLength(2);
    for (const { binds } of best?.stages ?? []) expect(["memory", "cost"]).toContain(binds);
    expect(best?.stages.some(({ binds }) => binds === "memory")).toBe(true);
    const [shown] = previewOf(preview, client.state.members).candidates;
    expect(shown?.stages.map(({ problem }) => problem)).toEqual([null, null]);
  });
});
