/**
 * Every decoder of bytes from elsewhere, with seeded hostile inputs: no error but its own, no hang, and
 * memory in proportion. `npm run fuzz` runs more of them; a failure prints how to repeat it.
 */
import { describe, test } from "vitest";
import { expectRobust } from "../../tools/fuzz/fuzz.ts";
import { BYTE_TARGETS, TEXT_TARGETS } from "./targets/index.ts";

/** Before a merge a few thousand in seconds; the other set of tests has the time for more. */
const isLongRun = ["remaining", "full"].includes(process.env["TABMESH_TEST_SET"] ?? "");
const COUNT = isLongRun ? 100_000 : 4000;
/** Milliseconds each. */
const SLOW: readonly string[] = ["gguf-files", "handshakes"];
const TIMEOUT_MS = 300_000;

const optionsOf = (name: string) => ({ count: SLOW.includes(name) ? COUNT / 20 : COUNT, seed: 1 });

describe("a decoder of bytes", () => {
  test.each(BYTE_TARGETS)(
    "$name",
    (target) => expectRobust(target, optionsOf(target.name)),
    TIMEOUT_MS,
  );
});

describe("a decoder of text", () => {
  test.each(TEXT_TARGETS)(
    "$name",
    (target) => expectRobust(target, optionsOf(target.name)),
    TIMEOUT_MS,
  );
});
