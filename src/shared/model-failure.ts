/** Why a model's file cannot be read, stored, or run. Raised by `model`, rendered by `words`. */
import { z } from "zod";
import { Detail, failure } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";

/** How a file contradicts the GGUF format or itself. `subject` is the key, tensor, or field. */
export const MalformedProblem = z.enum([
  "not_gguf",
  "unreadable_header",
  "header_too_large",
  "over_limit",
  "repeated_key",
  "reserved_key",
  "unknown_value_type",
  "nested_too_deeply",
  "wrong_value_type",
  "invalid_value",
  "uneven_layers",
  "uneven_heads",
  "repeated_tensor",
  "missing_tensor",
  "invalid_shape",
  "partial_blocks",
  "misaligned_tensor",
  "overlapping_tensors",
  "no_tokens",
  "too_many_tokens",
  "no_scores",
]);
export type MalformedProblem = z.infer<typeof MalformedProblem>;

export const UnsupportedModelFeature = z.enum([
  "architecture",
  "gguf_version",
  "big_endian",
  "split_file",
  "experts",
  "head_sizes",
  "tensor",
  "tensor_format",
  "rope_scaling",
  "tokenizer",
  "pre_tokenizer",
]);

export type UnsupportedModelFeature = z.infer<typeof UnsupportedModelFeature>;

const Value = z.union([z.string(), z.number()]).nullable();

export const ModelFailure = z.discriminatedUnion("reason", [
  failure("malformed_file", {
    problem: MalformedProblem,
    subject: z.string(),
    found: Value,
    expected: Value,
  }),
  failure("unsupported_model", {
    feature: UnsupportedModelFeature,
    found: Value,
    supported: z.array(z.string()),
    tensor: z.string().nullable(),
  }),
  failure("truncated_header", {
    part: z.string(),
    offsetBytes: z.number(),
    fileBytes: z.number(),
  }),
  failure("truncated_tensor", {
    file: z.string(),
    tensor: z.string(),
    endBytes: z.number(),
    fileBytes: z.number(),
  }),
  failure("read_past_end", {
    file: z.string(),
    offsetBytes: z.number(),
    lengthBytes: z.number(),
    fileBytes: z.number(),
  }),
  /** The disk has another file, or none, where the picked one was. */
  failure("picked_file_gone", { file: z.string() }),
  /** The file that this tab reads is not the one that the room placed. */
  failure("model_differs", { model: z.string() }),
  /** A file that a person picked in this tab is no longer open in it. */
  failure("file_not_open", { file: z.string() }),
  /** A member sent bytes that are not those of the file. */
  failure("peer_bytes_wrong", { peer: MemberId, file: z.string() }),
  /** Nobody who is connected has these bytes. */
  failure("range_not_held", { file: z.string() }),
  failure("peer_read_timeout", { file: z.string(), timeoutMs: z.number() }),
  failure("chat_template_unreadable", { detail: Detail }),
  failure("chat_template_refused", { detail: Detail }),
  failure("chat_template_timeout", { timeoutMs: z.number() }),
  /** `subject` is what the template made more of than `limit`. */
  failure("chat_template_limit", { subject: z.string(), limit: z.number() }),

  failure("not_a_web_address", { url: z.string() }),
  failure("http_status", { url: z.string(), status: z.int() }),
  failure("url_unreachable", {
    url: z.string(),
    host: z.string(),
    detail: Detail,
    /** The page came from this server. */
    isOwnServer: z.boolean(),
    /** The browser does not tell this page whether CORS was the cause. */
    mayBeCors: z.boolean(),
  }),
  failure("cors_refused", { url: z.string(), host: z.string() }),
  failure("mixed_content", { url: z.string() }),
  failure("no_range_requests", { url: z.string() }),
  failure("length_hidden", { url: z.string() }),
  failure("file_changed", { url: z.string() }),

  /** Without the quota: Chromium reports 10 GiB more than is used, whatever it is. */
  failure("storage_full", { usedBytes: z.number(), wantedBytes: z.number() }),
  failure("storage_failed", { detail: Detail }),
  failure("stored_model_locked", { detail: Detail }),
]);
export type ModelFailure = z.infer<typeof ModelFailure>;

/** A problem that reading a model survived. */
export type ModelNotice =
  | { readonly notice: "download_resumed"; readonly url: string; readonly detail: string }
  | { readonly notice: "peer_bytes_wrong"; readonly peer: MemberId; readonly file: string }
  | { readonly notice: "not_stored"; readonly cause: ModelFailure };
