import { expect, test } from "vitest";
import { MemberId } from "../../src/shared/ids.ts";
import { nameOfMembers } from "../../src/words/sentences.ts";

const ada = MemberId.parse("ada");

test("a member of the room is called by its name, one that left by its id", () => {
  const nameOf = nameOfMembers([{ id: ada, name: "Ada's laptop" }]);
  expect(nameOf(ada)).toBe("Ada's laptop");
  expect(nameOf(MemberId.parse("gone"))).toBe("gone");
});
