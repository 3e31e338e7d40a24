import { resolve } from "node:path";
import { expect, test } from "vitest";
import { parseOptions } from "../../bench/engine/options.ts";

test.each([
  [[], "/models/SmolLM2-135M-Instruct.Q4_1.gguf", null],
  [["--model=models/other.gguf"], "/models/other.gguf", "other"],
  [["--model=../other.gguf"], `/@fs${resolve("../other.gguf")}`, "other"],
])("the bench measures the model of %j", (words, path, otherModel) => {
  expect(parseOptions(words)).toMatchObject({ modelPath: path, otherModel, alone: false });
});
