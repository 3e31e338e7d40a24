/** The fuzzer itself: it finds each kind of fault, repeats it from its seed, and shrinks it. */
import { expect, test } from "vitest";
import { z } from "zod";
import { fuzz, type FuzzTarget } from "../../tools/fuzz/fuzz.ts";
import { mutatedText } from "../../tools/fuzz/mutate.ts";
import { valueOf } from "../../tools/fuzz/values.ts";
import { randomFrom } from "../../tools/placement/random.ts";

class Refusal extends Error {}

function target(decode: (text: string) => unknown): FuzzTarget<string> {
  return {
    name: "sample",
    generate: (random) => mutatedText(['{"a":1,"b":[true,"text"]}'], random),
    decode,
    isRefusal: (error) => error instanceof Refusal,
  };
}

const options = { count: 3000, seed: 7 };
const hasTwoCommas = (text: string) => text.split(",").length > 2;

test("a decoder that refuses with its own error is robust", async () => {
  const decode = (text: string) => {
    if (hasTwoCommas(text)) throw new Refusal("two commas");
  };
  expect(await fuzz(target(decode), options)).toBeNull();
});

test("another error is found, repeated from its seed, and shrunk", async () => {
  const decode = (text: string) => {
    if (hasTwoCommas(text)) throw new TypeError("two commas");
  };
  const found = await fuzz(target(decode), options);
  expect(found).toMatchObject({ kind: "threw", input: '",,"' });
  const again = await fuzz(target(decode), { count: 1, seed: found?.seed ?? 0 });
  expect(again).toEqual({ ...found, detail: again?.detail });
});

test("an allocation that is out of proportion is found", async () => {
  const decode = (text: string) =>
    hasTwoCommas(text) ? new Uint8Array(2 * 2 ** 20).fill(1) : null;
  expect(await fuzz(target(decode), options)).toMatchObject({ kind: "allocated" });
});

test("work that takes long is found", async () => {
  const decode = (text: string) => {
    const end = process.cpuUsage().user + 60_000;
    while (hasTwoCommas(text) && process.cpuUsage().user < end);
  };
  expect(await fuzz(target(decode), options)).toMatchObject({ kind: "slow" });
});

test("values of a schema mostly match it, but not all do", () => {
  const schema = z.strictObject({
    id: z.string().regex(/^[a-z-]+\d$/),
    count: z.int().min(1).max(9),
    kind: z.enum(["a", "b"]),
    list: z.array(z.union([z.null(), z.boolean()])).min(2),
    more: z.number().optional(),
  });
  const matches = Array.from(
    { length: 500 },
    (_, seed) => schema.safeParse(valueOf(schema, randomFrom(seed))).success,
  ).filter(Boolean).length;
  expect(matches).toBeGreaterThan(250);
  expect(matches).toBeLessThan(500);
});
