/** What a tab is called, and its color, before the room knows it. */
import { expect, test } from "vitest";
import { defaultName } from "../../src/tab/default-name.ts";
import { withRoom } from "../../tools/room/test-room.ts";

const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64)";

test("a new tab is named after its browser and platform", () => {
  expect(defaultName({ browser: "Chromium 156" }, USER_AGENT)).toBe("Chromium 156 on Linux");
  expect(defaultName(null, USER_AGENT)).toBe("A tab on Linux");
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
