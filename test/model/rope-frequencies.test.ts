/** RoPE's angles against cases worked by hand from ggml's formulas. */
import { describe, expect, test } from "vitest";
import { Metadata } from "../../src/model/metadata.ts";
import { ropeFrequencies, ropeParameters } from "../../src/model/rope-frequencies.ts";

const parameters = (values: Record<string, unknown>, headSize = 64, context = 8192) =>
  ropeParameters(new Metadata(new Map(Object.entries(values))), "llama", headSize, context);

test("unscaled angles fall from 1 by base^(-2/dims)", () => {
  const { frequencies, magnitude } = ropeFrequencies(
    parameters({ "llama.rope.freq_base": 10_000 }, 8),
    null,
  );
  expect([...frequencies].map((f) => Number(f.toPrecision(10)))).toEqual([1, 0.1, 0.01, 0.001]);
  expect(magnitude).toBe(1);
});

test.each([
  { "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4 },
  { "llama.rope.scale_linear": 4 },
])("linear scaling divides every angle: %o", (values) => {
  const plain = ropeFrequencies(parameters({}), null).frequencies;
  const scaled = ropeFrequencies(parameters(values), null).frequencies;
  expect([...scaled]).toEqual([...plain].map((f) => f / 4));
});

test("a factor without a kind applies, one with kind none does not", () => {
  const named = { "llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4 };
  expect(parameters(named).factor).toBe(1);
  expect(parameters({ "llama.rope.scaling.factor": 4 })).toMatchObject({
    scaling: "linear",
    factor: 4,
  });
});

describe("yarn, as Qwen2.5 specifies it: factor 4 over 32768 tokens, base 1e6, 128 dimensions", () => {
  const yarn = parameters(
    {
      "llama.rope.freq_base": 1_000_000,
      "llama.rope.scaling.type": "yarn",
      "llama.rope.scaling.factor": 4,
      "llama.rope.scaling.original_context_length": 32_768,
    },
    128,
    131_072,
  );
  const plain = (i: number) => 1_000_000 ** ((-2 * i) / 128);
  const { frequencies, magnitude } = ropeFrequencies(yarn, null);

  // 128 ln(32768 / (32 * 2 pi)) / (2 ln 1e6) = 23.597; with 1 turn 39.652.
  test("pairs up to 23 keep their angle", () => {
    for (const i of [0, 1, 10, 23]) expect(frequencies[i]).toBeCloseTo(plain(i), 14);
    expect(frequencies[24]).toBeLessThan(plain(24) * 0.99);
  });

  test("pairs from 40 on are scaled wholly", () => {
    for (const i of [40, 50, 63]) expect(frequencies[i]).toBeCloseTo(plain(i) / 4, 14);
    expect(frequencies[39]).toBeGreaterThan((plain(39) / 4) * 1.01);
  });

  test("pair 30 is 7/17 of the way", () => {
    const kept = 1 - 7 / 17;
    expect(frequencies[30]).toBeCloseTo(plain(30) * (kept + (1 - kept) / 4), 14);
  });

  test("cos and sin grow by 1 + 0.1 ln 4", () => {
    expect(magnitude).toBeCloseTo(1.138629436, 8);
    const attention = { ...yarn, attentionFactor: 2 };
    expect(ropeFrequencies(attention, null).magnitude).toBeCloseTo(2 * 1.138629436, 8);
  });
});

test("divisors come before scaling (Llama 3's rope_freqs)", () => {
  const scaled = parameters(
    { "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 2 },
    4,
  );
  const { frequencies } = ropeFrequencies(scaled, Float32Array.of(1, 8));
  expect([...frequencies]).toEqual([0.5, 10_000 ** -0.5 / 8 / 2]);
});
