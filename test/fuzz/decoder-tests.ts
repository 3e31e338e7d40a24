/**
 * Every decoder of bytes from elsewhere, with seeded hostile inputs: no error but its own, no hang, and
 * memory in proportion. `npm run fuzz` runs more of them; a failure prints how to repeat it.
 */
import { test } from "vitest";
import { expectRobust, type FuzzTarget } from "../../tools/fuzz/fuzz.ts";
import type { Bytes } from "../../tools/fuzz/mutate.ts";

/** Before a merge 10^5 inputs for all decoders together, in seconds; the other sets have time for more. */
const COUNTS = new Map([
  ["remaining", 25_000],
  ["full", 100_000],
]);
const COUNT = COUNTS.get(process.env["TABMESH_TEST_SET"] ?? "") ?? 5300;
/** They take milliseconds per input. */
const SLOW: readonly string[] = ["gguf-files", "gguf-values", "handshakes"];
const TIMEOUT_MS = 300_000;

const optionsOf = (name: string) => ({ count: SLOW.includes(name) ? COUNT / 20 : COUNT, seed: 1 });

/** In a file for each kind of decoder, so that two cores share the work. */
export function testDecoders<Input extends Bytes | string>(
  targets: readonly FuzzTarget<Input>[],
): void {
  test.each(targets)("$name", (target) => expectRobust(target, optionsOf(target.name)), TIMEOUT_MS);
}
