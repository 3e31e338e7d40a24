/** What is read from a header: the default model's numbers, each architecture, and each refusal. */
import { describe, expect, test } from "vitest";
import { blobSource } from "../../src/model/byte-source.ts";
import { ModelError } from "../../src/model/model-error.ts";
import { type OpenedModel, openModel } from "../../src/model/open-model.ts";
import { shardTensors } from "../../src/model/shard.ts";
import { ModelSummary } from "../../src/shared/model.ts";
import { f32Tensor, TINY, tinyModel, type TinyModelOptions } from "../../tools/gguf/tiny-gguf.ts";
import { openDefaultModel } from "./default-model.ts";

const open = (bytes: Uint8Array<ArrayBuffer>): Promise<OpenedModel> =>
  openModel(blobSource(new Blob([bytes]), "tiny.gguf"), {
    kind: "url",
    url: "http://x/a/tiny.gguf?download=1",
  });

async function refusal(options: TinyModelOptions): Promise<ModelError> {
  const error: unknown = await open(tinyModel(options)).catch((reason: unknown) => reason);
  if (!(error instanceof ModelError))
    throw new Error(`expected a ModelError, not ${String(error)}`);
  return error;
}

describe("the default model", () => {
  test("has SmolLM2's published numbers", async () => {
    const { description, summary } = await openDefaultModel();
    expect(description).toMatchObject({
      architecture: "llama",
      layerCount: 30,
      hidden: 576,
      heads: 9,
      keyValueHeads: 3,
      headSize: 64,
      feedForward: 1536,
      vocabulary: 49152,
      contextTokens: 8192,
      attentionScale: 1 / 8,
      tiedHead: true,
    });
    expect(description.rope.frequencies[1]).toBeCloseTo(100_000 ** (-2 / 64), 12);
    expect(ModelSummary.parse(summary)).toEqual(summary);
    expect(summary).toMatchObject({
      name: "SmolLM2-135M-Instruct.Q4_1",
      quantization: "Q4_1",
      tied: true,
    });
  });

  test("is wholly covered by shards that do not overlap", async () => {
    const { shard, summary } = await openDefaultModel();
    const [first, last] = [shard(0, 11), shard(11, 30)];
    expect([first.embedding, first.head, first.outputNorm].map(Boolean)).toEqual([
      true,
      false,
      false,
    ]);
    expect([last.embedding, last.head, last.outputNorm].map(Boolean)).toEqual([false, true, true]);
    const whole = shardTensors(shard(0, 30));
    const bytes = whole.reduce((total, tensor) => total + tensor.lengthBytes, 0);
    const layerBytes = summary.layers.reduce((total, layer) => total + layer.weightBytes, 0);
    expect(bytes).toBe(layerBytes + summary.headBytes); // tied: the head's bytes are the embedding's
    expect(whole[0]?.name).toBe("token_embd.weight");
    expect(() => shard(5, 5)).toThrow(RangeError);
    expect(() => shard(0, 31)).toThrow(RangeError);
  });
});

describe("architectures", () => {
  test.each([
    ["llama", { headNorm: false, attentionBias: false }, "interleaved"],
    ["qwen2", { headNorm: false, attentionBias: true }, "halves"],
    ["qwen3", { headNorm: true, attentionBias: false }, "halves"],
  ])("%s", async (architecture, expected, pairs) => {
    const { description, shard } = await open(tinyModel({ architecture }));
    expect(description).toMatchObject({ architecture, ...expected, rope: { pairs }, headSize: 8 });
    const [layer] = shard(0, 1).layers;
    expect(layer?.queryBias !== null).toBe(expected.attentionBias);
    expect(layer?.queryNorm !== null).toBe(expected.headNorm);
  });

  test("GGUF version 2 opens, and an untied head is found", async () => {
    const change: NonNullable<TinyModelOptions["change"]> = (tensors) => [
      ...tensors,
      f32Tensor("output.weight", TINY.hidden, tensors[0]?.shape[1] ?? 0),
    ];
    const { description, shard } = await open(tinyModel({ version: 2, change }));
    expect(description.tiedHead).toBe(false);
    expect(shard(1, 2).head?.name).toBe("output.weight");
  });

  test("rope_freqs divides the angles (Llama 3)", async () => {
    const divisors = Float32Array.of(1, 2, 4, 8);
    const plain = await open(tinyModel());
    const scaled = await open(
      tinyModel({
        change: (tensors) => [
          ...tensors,
          {
            name: "rope_freqs.weight",
            shape: [4],
            ggmlType: 0,
            bytes: new Uint8Array(divisors.buffer),
          },
        ],
      }),
    );
    const expected = [...plain.description.rope.frequencies].map((f, i) => f / (divisors[i] ?? 1));
    expect([...scaled.description.rope.frequencies]).toEqual(expected);
  });

  test("key_length sets a head's size apart from the hidden size", async () => {
    const change: NonNullable<TinyModelOptions["change"]> = (tensors) =>
      tensors.map((tensor) => {
        if (/attn_q\.weight/.test(tensor.name)) return f32Tensor(tensor.name, 32, 64);
        if (/attn_[kv]\.weight/.test(tensor.name)) return f32Tensor(tensor.name, 32, 32);
        if (/attn_output/.test(tensor.name)) return f32Tensor(tensor.name, 64, 32);
        return tensor;
      });
    const key = { type: "u32", value: 16 } as const;
    const { description } = await open(
      tinyModel({
        change,
        metadata: { "llama.attention.key_length": key, "llama.attention.value_length": key },
      }),
    );
    expect(description).toMatchObject({ headSize: 16, attentionScale: 0.25 });
  });
});

describe("refusals name what is wrong and what is supported", () => {
  const u32 = (value: number) => ({ type: "u32", value }) as const;
  const rename = (from: string, to: string): TinyModelOptions => ({
    change: (tensors) => tensors.map((t) => (t.name === from ? { ...t, name: to } : t)),
  });
  const text = (value: string) => ({ type: "string", value }) as const;
  test.each<[string, TinyModelOptions, string, RegExp]>([
    ["architecture", { architecture: "gemma3" }, "unsupported", /gemma3.*llama, qwen2, qwen3/],
    ["inherited name", { architecture: "constructor" }, "unsupported", /constructor/],
    [
      "block format",
      { change: (ts) => ts.map((t, i) => (i === 1 ? { ...t, ggmlType: 16 } : t)) },
      "unsupported",
      /blk\.0\.attn_norm\.weight.*IQ2_XXS.*Q4_K/,
    ],
    ["version 1", { version: 1 }, "unsupported", /version 1/],
    ["version 4", { version: 4 }, "unsupported", /version 4/],
    ["big-endian", { version: 0x03000000 }, "unsupported", /big-endian/],
    [
      "experts",
      { metadata: { "llama.expert_count": u32(8) } },
      "unsupported",
      /mixture of experts/,
    ],
    ["split file", { metadata: { "split.count": u32(3) } }, "unsupported", /3 parts.*merge/],
    [
      "rope scaling",
      { metadata: { "llama.rope.scaling.type": text("longrope") } },
      "unsupported",
      /longrope/,
    ],
    ["tokenizer", { metadata: { "tokenizer.ggml.model": text("t5") } }, "unsupported", /t5/],
    [
      "missing tensor",
      { change: (ts) => ts.filter((t) => !t.name.includes("ffn_up")) },
      "malformed",
      /blk\.0\.ffn_up/,
    ],
    [
      "unknown tensor",
      rename("blk.0.ffn_up.weight", "blk.0.ffn_up_exps.weight"),
      "unsupported",
      /ffn_up_exps/,
    ],
    ["layer too many", { metadata: { "llama.block_count": u32(1) } }, "unsupported", /blk\.1\./],
    [
      "wrong shape",
      { metadata: { "llama.feed_forward_length": u32(96) } },
      "malformed",
      /64 x 32, not 96 x 32/,
    ],
    ["no heads", { metadata: { "llama.attention.head_count": u32(0) } }, "malformed", /head_count/],
    [
      "uneven heads",
      { metadata: { "llama.attention.head_count_kv": u32(3) } },
      "malformed",
      /evenly/,
    ],
    [
      "missing key",
      { metadata: { "llama.embedding_length": undefined } },
      "malformed",
      /embedding_length is missing/,
    ],
    [
      "wrong type",
      { metadata: { "llama.embedding_length": text("big") } },
      "malformed",
      /not a number/,
    ],
    ["alignment", { metadata: { "general.alignment": u32(48) } }, "malformed", /power of two/],
    [
      "duplicate tensor",
      rename("blk.0.ffn_up.weight", "blk.0.ffn_gate.weight"),
      "malformed",
      /ffn_gate\.weight occurs twice/,
    ],
    [
      "overlap",
      { change: (ts) => ts.map((t, i) => (i === 2 ? { ...t, offset: 0 } : t)) },
      "malformed",
      /overlap/,
    ],
    [
      "offset past the end",
      { change: (ts) => ts.map((t, i) => (i === 2 ? { ...t, offset: 2 ** 40 } : t)) },
      "truncated",
      /blk\.0\.attn_q\.weight ends at byte/,
    ],
    [
      "misaligned",
      { change: (ts) => ts.map((t, i) => (i === 2 ? { ...t, offset: 33 } : t)) },
      "malformed",
      /not aligned/,
    ],
    [
      "absurd dimension",
      { change: (ts) => ts.map((t, i) => (i === 2 ? { ...t, shape: [2 ** 52, 2 ** 52] } : t)) },
      "malformed",
      /dimension/,
    ],
  ])("%s", async (_name, options, reason, message) => {
    const error = await refusal(options);
    expect(error.message).toMatch(message);
    expect(error.reason).toBe(reason);
  });
});
