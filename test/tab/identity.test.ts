/** A tab keeps its name and its color over a reload. */
import { expect, test } from "vitest";
import { identityOf, keepIdentityOf } from "../../src/tab/identity.ts";
import { withRoom } from "../../tools/room/test-room.ts";

const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64)";

function storage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
  };
}

test("a new tab is named after its browser and platform", () => {
  expect(identityOf(storage(), { browser: "Chromium 156" }, USER_AGENT)).toEqual({
    name: "Chromium 156 on Linux",
    color: 0,
  });
});

test("what is kept by another version is not used", () => {
  const kept = storage();
  kept.setItem("tabmesh.identity", "{");
  expect(identityOf(kept, null, USER_AGENT).name).toBe("A tab on Linux");
});

test("after a reload it has the name and the color that the room gave it, even if others joined since", async () => {
  await withRoom(async (room) => {
    const kept = storage();
    await room.add("first");
    const before = await room.add("before", { change: { name: "Tab first" } });
    keepIdentityOf(before.client, kept);
    const identity = () => {
      const { self, state } = before.client;
      const { name, color } = state.members.find(({ id }) => id === self)!;
      return { name, color };
    };
    expect(identity()).toEqual({ name: "Tab first (2)", color: 1 });
    await before.client.dispatch({ type: "rename", name: "Kitchen" });
    await room.until(({ members }) => members.at(-1)?.name === "Kitchen", "the new name");
    before.crash();
    await room.until(({ members }) => members.length === 1, "it to leave");
    await room.add("other", { change: { color: 2 } });
    const after = await room.add("after", { change: identityOf(kept, null, USER_AGENT) });
    expect(after.client.state.members.at(-1)).toMatchObject({ name: "Kitchen", color: 1 });
  });
});

test("a color that another member has is replaced by a free one", async () => {
  await withRoom(async (room) => {
    for (const name of ["a", "b", "c"]) await room.add(name, { change: { color: 1 } });
    const colors = room.tabs
      .values()
      .next()
      .value!.client.state.members.map(({ color }) => color);
    expect(colors).toEqual([1, 0, 2]);
  });
});
