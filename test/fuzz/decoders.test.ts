/**
 * Every decoder of bytes from elsewhere, with seeded hostile inputs: no error but its own, no hang, and
 * memory in proportion. `npm run fuzz` runs more of them; a failure prints how to repeat it.
 */
import { describe, test } from "vitest";
import { expectRobust } from "../../tools/fuzz/fuzz.ts";
import { BYTE_TARGETS, TEXT_TARGETS } from "./targets/index.ts";

const options = { count: 2000, seed: 1 };

describe("a decoder of bytes", () => {
  test.each(BYTE_TARGETS)("$name", (target) => expectRobust(target, options));
});

describe("a decoder of text", () => {
  test.each(TEXT_TARGETS.filter(({ name }) => name !== "states" && name !== "chat-bodies"))(
    "$name",
    (target) => expectRobust(target, options),
  );
});
