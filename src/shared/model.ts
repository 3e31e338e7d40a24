/**
 * A model as the room knows it: enough to place and to show it. The `model` module has
 * the full description of its arithmetic.
 */
import { z } from "zod";
import { kind } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";
import { ScratchSizes } from "./shard-bytes.ts";

/** Where a model's bytes come from. Every member can use it. */
export const ModelSource = z.discriminatedUnion("kind", [
  kind("url", { url: z.string() }),
  /** A file that a person picked on one member. The others read its bytes from there. */
  kind("member", { member: MemberId, fileName: z.string() }),
]);
export type ModelSource = z.infer<typeof ModelSource>;

/** A model is named by its id or by its file name: the id is the name without ".gguf". */
export function modelIdOf(name: string): string {
  return name.replace(/\.gguf$/i, "");
}

export const ModelSummary = z.strictObject({
  /** The model's id for clients: the file's name without ".gguf". */
  name: z.string().min(1).max(200),
  source: ModelSource,
  /** The root of a picked file's chunks, or a hash of a URL and its header: docs/decisions/content-tree.md. */
  contentId: z.string(),
  fileBytes: z.number().min(0),
  architecture: z.string(),
  /** The block format of most weights, such as "Q4_1". */
  quantization: z.string(),
  contextTokens: z.int().min(1),
  vocabulary: z.int().min(1),
  hidden: z.int().min(1),
  layers: z
    .array(
      z.strictObject({
        weightBytes: z.number().min(0),
        /** Cache bytes of one token (keys and values, at two bytes a number). */
        kvBytesPerToken: z.number().min(0),
        /** Multiply-accumulates of one token, attention over the context not counted. */
        macs: z.number().min(0),
      }),
    )
    .min(1),
  embedBytes: z.number().min(0),
  headBytes: z.number().min(0),
  headMacs: z.number().min(0),
  /** The head uses the embedding's bytes. */
  tied: z.boolean(),
  largestTensorBytes: z.number().min(0),
  scratch: ScratchSizes,
});
export type ModelSummary = z.infer<typeof ModelSummary>;
