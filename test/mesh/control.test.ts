/** How much text of a peer is parsed. */
import { expect, test } from "vitest";
import { MAX_HANDSHAKE_BYTES, readControl } from "../../src/mesh/control.ts";

const text = (bytes: number) => new TextEncoder().encode(`"${"x".repeat(bytes - 2)}"`);

test("a peer that has proved nothing sends short messages, a member also long ones", () => {
  const [short, long] = [text(MAX_HANDSHAKE_BYTES), text(MAX_HANDSHAKE_BYTES + 1)];
  expect(readControl(short, false)).toHaveLength(short.length - 2);
  expect(readControl(long, false)).toBeUndefined();
  expect(readControl(long, true)).toHaveLength(long.length - 2);
});
