/** What is read from a header: the default model's numbers, each architecture, and each refusal. */
import { describe, expect, test } from "vitest";
import { blobSource } from "../../src/model/byte-source.ts";
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

  test("is covered by shards that do not overlap", async () => {
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

  test("key_length sets a head's size independently of the hidden size", async () => {
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

describe("a refusal has what is wrong and what is supported", () => {
  const u32 = (value: number) => ({ type: "u32", value }) as const;
  const rename = (from: string, to: string): TinyModelOptions => ({
    change: (tensors) => tensors.map((t) => (t.name === from ? { ...t, name: to } : t)),
  });
  const added = (name: string): TinyModelOptions => ({
    change: (tensors) => [...tensors, { ...tensors.at(-1)!, name }],
  });
  const text = (value: string) => ({ type: "string", value }) as const;
  const unsupported = (feature: string, found: unknown = null, more: object = {}) => ({
    reason: "unsupported_model",
    feature,
    found,
    ...more,
  });
  const malformed = (problem: string, subject: string, found?: unknown, expected?: unknown) => ({
    reason: "malformed_file",
    problem,
    subject,
    ...(found === undefined ? {} : { found }),
    ...(expected === undefined ? {} : { expected }),
  });
  const metadata = (key: string, value: ReturnType<typeof u32 | typeof text> | undefined) => ({
    metadata: { [key]: value },
  });
  const second = (change: object): TinyModelOptions => ({
    change: (tensors) => tensors.map((t, i) => (i === 2 ? { ...t, ...change } : t)),
  });
  test.each<[string, TinyModelOptions, object]>([
    [
      "architecture",
      { architecture: "gemma3" },
      unsupported("architecture", "gemma3", { supported: ["llama", "qwen2", "qwen3"] }),
    ],
    ["inherited name", { architecture: "constructor" }, unsupported("architecture", "constructor")],
    [
      "block format",
      { change: (ts) => ts.map((t, i) => (i === 1 ? { ...t, ggmlType: 16 } : t)) },
      unsupported("tensor_format", "IQ2_XXS", {
        tensor: "blk.0.attn_norm.weight",
        supported: expect.arrayContaining(["Q4_K"]) as string[],
      }),
    ],
    ["version 1", { version: 1 }, unsupported("gguf_version", 1)],
    ["version 4", { version: 4 }, unsupported("gguf_version", 4)],
    ["big-endian", { version: 0x03000000 }, unsupported("big_endian")],
    ["experts", metadata("llama.expert_count", u32(8)), unsupported("experts")],
    ["split file", metadata("split.count", u32(3)), unsupported("split_file", 3)],
    [
      "rope scaling",
      metadata("llama.rope.scaling.type", text("longrope")),
      unsupported("rope_scaling", "longrope"),
    ],
    ["tokenizer", metadata("tokenizer.ggml.model", text("t5")), unsupported("tokenizer", "t5")],
    [
      "missing tensor",
      { change: (ts) => ts.filter((t) => !t.name.includes("ffn_up")) },
      malformed("missing_tensor", "blk.0.ffn_up.weight"),
    ],
    [
      "unknown tensor",
      added("blk.0.ffn_up_exps.weight"),
      unsupported("tensor", "llama", { tensor: "blk.0.ffn_up_exps.weight" }),
    ],
    [
      "norm of another architecture",
      added("blk.0.attn_q_norm.weight"),
      unsupported("tensor", "llama", { tensor: "blk.0.attn_q_norm.weight" }),
    ],
    [
      "layer too many",
      metadata("llama.block_count", u32(1)),
      unsupported("tensor", "llama", { tensor: expect.stringMatching(/^blk\.1\./) as string }),
    ],
    [
      "wrong shape",
      metadata("llama.feed_forward_length", u32(96)),
      malformed("invalid_shape", "blk.0.ffn_gate.weight", "64 x 32", "96 x 32"),
    ],
    [
      "no heads",
      metadata("llama.attention.head_count", u32(0)),
      malformed("invalid_value", "head_count", 0),
    ],
    [
      "uneven heads",
      metadata("llama.attention.head_count_kv", u32(3)),
      malformed("uneven_heads", "head_count_kv", 4, 3),
    ],
    [
      "missing key",
      metadata("llama.embedding_length", undefined),
      malformed("wrong_value_type", "llama.embedding_length", "missing", "a number"),
    ],
    [
      "wrong type",
      metadata("llama.embedding_length", text("big")),
      malformed("wrong_value_type", "llama.embedding_length", '"big"', "a number"),
    ],
    [
      "alignment",
      metadata("general.alignment", u32(48)),
      malformed("invalid_value", "general.alignment", 48, "a power of two"),
    ],
    [
      "duplicate tensor",
      rename("blk.0.ffn_up.weight", "blk.0.ffn_gate.weight"),
      malformed("repeated_tensor", "blk.0.ffn_gate.weight"),
    ],
    ["overlap", second({ offset: 0 }), { problem: "overlapping_tensors" }],
    [
      "offset past the end",
      second({ offset: 2 ** 40 }),
      { reason: "truncated_tensor", tensor: "blk.0.attn_q.weight" },
    ],
    ["misaligned", second({ offset: 33 }), malformed("misaligned_tensor", "blk.0.attn_q.weight")],
    ["absurd dimension", second({ shape: [2 ** 52, 2 ** 52] }), { reason: "malformed_file" }],
  ])("%s", async (_name, options, failure) => {
    await expect(open(tinyModel(options))).rejects.toMatchObject({ failure });
  });
});
