/** A room's possible placements as the page says them: names instead of ids, reasons in order. */
import { expect, test } from "vitest";
import { previewOf } from "../../src/app/preview-view.ts";
import { namesIn } from "../../src/ui/member-names.ts";
import { profile, HALF, MODEL_URL, withRoom } from "../../tools/room/test-room.ts";

test("ids become names as whole words only, the longer id first", () => {
  const named = namesIn([profile("a"), profile("a-1"), profile("back")]);
  expect(named("a, a-1 and back: a band of 3 a")).toBe(
    "Tab a, Tab a-1 and Tab back: Tab a band of 3 Tab a",
  );
  expect(namesIn([profile("x1")])("x1 x12 ax1")).toBe("Tab x1 x12 ax1");
});

test("what runs says where the time goes, what binds it and what including others costs", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a1");
    await room.add("b1");
    await client.place({ model: MODEL_URL });
    const { model } = client.state.placement!;
    const { candidates, why, reason } = previewOf(
      await client.preview(model),
      client.state.members,
    );
    expect(reason).toBeNull();
    expect(candidates[0]?.label).toBe("Fastest answer");
    expect(why?.join(" ")).toMatch(
      /A token: .* of computing.*Tab a1 has layers 0–5: [\d.]+ ms\. It runs every layer.*proven.*Tab b1 would cost .* ms more a token/,
    );
  });
});

test("what cannot be says why and what would help", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a1", { memoryBytes: HALF });
    const model = await client.addModel(MODEL_URL);
    const { reason, candidates } = previewOf(await client.preview(model), client.state.members);
    expect(reason).toMatch(/does not fit this room: 2,800 bytes short.*What would help/);
    expect(candidates.every(({ infeasible }) => infeasible !== null)).toBe(true);
    expect(candidates[0]?.infeasible).toMatch(/Tab a1 is \d{1,3}(,\d{3})* bytes short/);
  });
});

test("each share of a pipeline says its layers, its times and what binds it", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a1", { memoryBytes: HALF });
    await room.add("b1", { memoryBytes: HALF });
    await client.place({ model: MODEL_URL });
    const { model } = client.state.placement!;
    const { candidates } = previewOf(await client.preview(model), client.state.members);
    const lines = candidates[0]!.explanation.filter((line) => / has layers? /.test(line));
    expect(lines).toHaveLength(2);
    for (const [index, line] of lines.entries()) {
      expect(line).toContain(index === 0 ? "ms to the next." : "ms back to the first.");
      expect(line).toMatch(
        /^Tab [ab]1 has layers? \d(–\d)?: [\d.]+ ms, then [\d.]+ ms (to the next|back to the first)\. It (is full|could hold more, but that would gain nothing)/,
      );
    }
  });
});
