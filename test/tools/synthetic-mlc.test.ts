import { expect, test } from "vitest";
import { writeSyntheticMlc } from "../../tools/mlc/synthetic-mlc.ts";

const METADATA = {
  model_type: "qwen2",
  quantization: "q4f16_1",
  context_window_size: 4096,
  params: [
    { name: "model.embed_tokens.q_weight", shape: [300, 4], dtype: "uint32" },
    { name: "model.embed_tokens.q_scale", shape: [300, 1], dtype: "float16" },
    { name: "model.norm.weight", shape: [32], dtype: "float32" },
  ],
};
const TOKENIZER = { tokens: ["a", "b", "ab"], merges: ["a b"] };

test("a model has the parameters that its library names, in their order and with finite values", () => {
  const files = new Map<string, Buffer>();
  const library = Buffer.from(`\0asm\xff${JSON.stringify(METADATA)}\0\x01more data`, "latin1");
  writeSyntheticMlc(library, TOKENIZER, (name, content) => files.set(name, Buffer.from(content)));
  const json = (name: string) => JSON.parse(files.get(name)!.toString()) as Record<string, unknown>;
  const weights = files.get("params_shard_0.bin")!;
  expect(weights).toHaveLength(300 * 16 + 300 * 2 + 32 * 4);
  expect(json("ndarray-cache.json")["records"]).toMatchObject([
    {
      dataPath: "params_shard_0.bin",
      nbytes: weights.length,
      records: [
        { name: "model.embed_tokens.q_weight", byteOffset: 0, nbytes: 4800 },
        { name: "model.embed_tokens.q_scale", byteOffset: 4800, nbytes: 600 },
        { name: "model.norm.weight", byteOffset: 5400, nbytes: 128 },
      ],
    },
  ]);
  expect(weights.readUInt16LE(4800)).toBe(0x2000); // 2 ** -7 in f16
  expect(weights.readFloatLE(5400)).toBe(1);
  expect(json("mlc-chat-config.json")).toMatchObject({
    vocab_size: 300,
    context_window_size: 4096,
  });
  expect(json("tokenizer.json")).toMatchObject({
    model: { vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"] },
  });
});

test("a library without metadata is refused", () => {
  const write = () => undefined;
  expect(() => writeSyntheticMlc(Buffer.from("\0asm"), TOKENIZER, write)).toThrow("metadata");
});
