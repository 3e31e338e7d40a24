/** Names in place of ids in a decision's sentences. */
import { expect, test } from "vitest";
import { namesIn } from "../../src/ui/member-names.ts";
import { profile } from "../../tools/room/test-room.ts";

test("ids become names as whole words only, the longer id first", () => {
  const named = namesIn([profile("a"), profile("a-1"), profile("back")]);
  expect(named("a, a-1 and back: a band of 3 a")).toBe(
    "Tab a, Tab a-1 and Tab back: Tab a band of 3 Tab a",
  );
  expect(namesIn([profile("x1")])("x1 x12 ax1")).toBe("Tab x1 x12 ax1");
});
