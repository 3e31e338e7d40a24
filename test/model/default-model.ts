/** The default model's file, opened from disk, once for a test file. */
import { openAsBlob } from "node:fs";
import { blobSource } from "../../src/model/byte-source.ts";
import { type OpenedModel, openModel } from "../../src/model/open-model.ts";

export const DEFAULT_MODEL_PATH = "models/SmolLM2-135M-Instruct.Q4_1.gguf";

let opened: Promise<OpenedModel> | null = null;

export function openDefaultModel(): Promise<OpenedModel> {
  opened ??= (async () => {
    const file = blobSource(await openAsBlob(DEFAULT_MODEL_PATH), "the default model");
    return openModel(file, { kind: "url", url: `http://localhost/${DEFAULT_MODEL_PATH}` });
  })();
  return opened;
}
