import { expect, test } from "vitest";
import { openModel } from "../../src/model/index.ts";
import { writeSynthetic } from "../../tools/gguf/synthetic-gguf.ts";

const SMALL = { layers: 2, hidden: 256, heads: 4, keyValueHeads: 2, feedForward: 512 };
const LIKE = {
  "general.architecture": { value: "llama", type: 8 },
  "tokenizer.ggml.model": { value: "gpt2", type: 8 },
  "tokenizer.ggml.tokens": { value: ["a", "b", "c"], type: 9, subType: 8 },
  "tokenizer.ggml.token_type": { value: [1, 1, 1], type: 9, subType: 5 },
  "tokenizer.ggml.merges": { value: ["a b"], type: 9, subType: 8 },
  "tokenizer.ggml.eos_token_id": { value: 2, type: 4 },
};

test.each([
  ["qwen2", "q4_0"],
  ["llama", "Q4_K"],
])("a model of %s in %s opens, with the other model's tokenizer", async (architecture, format) => {
  const shapes = { small: { ...SMALL, architecture, vocabulary: 300 } };
  const parts: number[] = [];
  const written = writeSynthetic({ name: "small", format }, LIKE, (p) => parts.push(...p), shapes);
  const file = Uint8Array.from(parts);
  expect(file).toHaveLength(written);
  const read = (offset: number, length: number) =>
    Promise.resolve(file.slice(offset, offset + length));
  const bytes = { fileBytes: file.length, label: "small.gguf", read };
  const model = await openModel(bytes, { kind: "url", url: "http://localhost/small.gguf" });
  expect(model.description).toMatchObject({ architecture, layerCount: 2, vocabulary: 300 });
  // llama.cpp loads no file with fewer tokens than rows of the head.
  expect(model.tokenizer.tokens).toHaveLength(300);
  expect(model.tokenizer.tokens.slice(0, 4)).toEqual(["a", "b", "c", "<unused 0>"]);
  const { layers, embedding } = model.shard(0, 2);
  expect(embedding!.format.toLowerCase()).toBe(format.toLowerCase());
  const last = layers[1]!.down;
  expect(last.offsetBytes + last.lengthBytes).toBeLessThanOrEqual(file.length);
});

test("an unknown shape or format is refused", () => {
  expect(() => writeSynthetic({ name: "x", format: "q4_0" }, LIKE, () => undefined)).toThrow(
    "shape",
  );
  expect(() =>
    writeSynthetic({ name: "llama-3.2-1b", format: "x" }, LIKE, () => undefined),
  ).toThrow("block format");
});
