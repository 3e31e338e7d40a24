/** What is wrong with a model's file, its address, or the disk. */
import type { MalformedProblem, ModelFailure, ModelNotice } from "../shared/index.ts";
import { bytes, exactBytes, figure } from "./quantities.ts";
import { describer, type NameOf, type Sentences } from "./sentences.ts";

const OPEN_FROM_DISK = "Download the file and open it from disk.";

export const modelFailures: Sentences<ModelFailure> = {
  malformed_file: (failure) =>
    `This is not a usable GGUF file: ${PROBLEMS[failure.problem](failure)}.`,
  unsupported_model: (failure) => UNSUPPORTED[failure.feature](failure),
  truncated_header: ({ part, offsetBytes, fileBytes }) =>
    `The GGUF file ends within its header: ${part} at byte ${offsetBytes} reaches past the file's ${exactBytes(fileBytes)}. The file is truncated or damaged: download it again.`,
  truncated_tensor: ({ file, tensor, endBytes, fileBytes }) =>
    `${file} has ${exactBytes(fileBytes)}, but its tensor ${tensor} ends after ${exactBytes(endBytes)}. The file is truncated or damaged: download it again.`,
  read_past_end: ({ file, offsetBytes, lengthBytes, fileBytes }) =>
    `${file} has ${exactBytes(fileBytes)}, so ${exactBytes(lengthBytes)} at ${offsetBytes} cannot be read. The file is truncated: download it again.`,
  picked_file_gone: ({ file }) =>
    `${file} can no longer be read: it was moved or changed. Pick the file again.`,
  model_differs: ({ model }) =>
    `The file of ${model} that this tab reads is not the one that the room placed: its header or its length differs. Place the model again.`,
  file_not_open: ({ file }) => `The file ${file} is not open in this tab. Pick it again.`,
  peer_bytes_wrong: ({ peer, file }, nameOf) =>
    `${nameOf(peer)} sent bytes that are not those of ${file}. Open the file again on a member that you trust.`,
  range_not_held: ({ file }) =>
    `No connected member has all of ${file}. Open the file again on a member.`,
  peer_read_timeout: ({ file, timeoutMs }) =>
    `The members that have ${file} sent nothing for ${figure(timeoutMs / 1000)} s.`,
  chat_template_unreadable: ({ detail }) =>
    `The model's chat template cannot be read: ${detail}. Use completions instead of chat.`,
  chat_template_refused: ({ detail }) =>
    `The model's chat template does not accept these messages: ${detail}`,
  chat_template_timeout: ({ timeoutMs }) =>
    `The model's chat template did not finish within ${figure(timeoutMs / 1000)} s. Use completions instead of chat, or choose another model.`,
  chat_template_limit: ({ subject, limit }) =>
    `The model's chat template made more than ${figure(limit)} ${subject}. Shorten the conversation or choose another model.`,

  not_a_web_address: ({ url }) =>
    `${JSON.stringify(url)} is not a web address. Enter one that begins with http:// or https://.`,
  http_status: ({ url, status }) => describeStatus(url, status),
  url_unreachable: ({ url, host, detail, isOwnServer, mayBeCors }) =>
    `${url} cannot be reached (${detail}). Check the address and the network` +
    (isOwnServer ? `, and that the server ${host} is running.` : ".") +
    (mayBeCors ? ` If it opens in a tab of its own, ${corsRefusal(host)}.` : ""),
  cors_refused: ({ url, host }) => `${url} exists, but ${corsRefusal(host)}.`,
  mixed_content: ({ url }) =>
    `This page was loaded over HTTPS, so the browser does not read ${url} over HTTP. Use an https:// address.`,
  no_range_requests: ({ url }) =>
    `The server of ${url} does not support range requests. ${OPEN_FROM_DISK}`,
  length_hidden: ({ url }) =>
    `The server of ${url} does not tell this page how long the file is (it must expose Content-Range or Content-Length). ${OPEN_FROM_DISK}`,
  file_changed: ({ url }) => `The file at ${url} changed while it was read. Load the model again.`,

  storage_full: ({ usedBytes, wantedBytes }) =>
    `The browser has no more disk space for this site: ${bytes(usedBytes)} are used, and ${bytes(wantedBytes)} more are needed. Free space on the disk or clear the stored models.`,
  storage_failed: ({ detail }) => `The model cannot be stored on disk (${detail}).`,
  stored_model_locked: ({ detail }) =>
    `The stored model cannot be removed (${detail}). Close other tabs of this site and try again.`,
};

const describeModelFailure = describer(modelFailures);

export function describeModelNotice(notice: ModelNotice, nameOf: NameOf): string {
  switch (notice.notice) {
    case "download_resumed":
      return `The download of ${notice.url} was interrupted (${notice.detail}) and has resumed.`;
    case "peer_bytes_wrong":
      return `${nameOf(notice.peer)} sent wrong bytes of ${notice.file}. They were discarded, and are read from the source or from other members.`;
    case "not_stored":
      return `The model is loaded without being stored. ${describeModelFailure(notice.cause, nameOf)}`;
  }
}

type Malformed = Extract<ModelFailure, { reason: "malformed_file" }>;

const PROBLEMS: Readonly<Record<MalformedProblem, (failure: Malformed) => string>> = {
  not_gguf: () => "it does not begin with the letters GGUF. Choose a file that ends in .gguf",
  unreadable_header: ({ found }) => `${found}`,
  header_too_large: ({ subject, expected }) =>
    `its header is larger than ${expected} bytes (at ${subject})`,
  over_limit: ({ subject, found, expected }) =>
    `the ${subject} is ${found}, over the limit of ${expected}`,
  repeated_key: ({ subject }) => `its metadata key ${JSON.stringify(subject)} occurs twice`,
  reserved_key: ({ subject }) => `a metadata key is named ${subject}`,
  unknown_value_type: ({ subject, found }) => `${subject} has the unknown type ${found}`,
  nested_too_deeply: ({ subject }) => `${subject} nests arrays too deeply`,
  wrong_value_type: ({ subject, found, expected }) =>
    `its metadata key ${subject} is ${found}, not ${expected}`,
  invalid_value: ({ subject, found, expected }) =>
    `its ${subject} is ${found}${expected === null ? "" : `, not ${expected}`}`,
  uneven_layers: ({ subject }) => `its layers differ in ${subject}, which is not supported`,
  uneven_heads: ({ found, expected }) =>
    `its ${found} heads do not share ${expected} key-value heads evenly`,
  repeated_tensor: ({ subject }) => `its tensor ${subject} occurs twice`,
  missing_tensor: ({ subject }) => `it has no tensor ${subject}`,
  invalid_shape: ({ subject, found, expected }) =>
    `the tensor ${subject} has the shape ${found}${expected === null ? "" : `, not ${expected}`}`,
  partial_blocks: ({ subject, found, expected }) =>
    `the rows of ${subject} (${found}) are not whole blocks of ${expected}`,
  misaligned_tensor: ({ subject }) => `the tensor ${subject} is not aligned`,
  overlapping_tensors: ({ subject, found }) => `the tensors ${subject} and ${found} overlap`,
  no_tokens: () => "it has no tokenizer.ggml.tokens",
  too_many_tokens: ({ found, expected }) => `it names ${found} tokens but embeds ${expected}`,
  no_scores: () => "its tokens have no scores",
};

type Unsupported = Extract<ModelFailure, { reason: "unsupported_model" }>;

const UNSUPPORTED: Readonly<Record<Unsupported["feature"], (failure: Unsupported) => string>> = {
  architecture: ({ found, supported }) =>
    `The architecture ${found} is not supported. Choose a model of one of these families: ${supported.join(", ")}.`,
  gguf_version: ({ found, supported }) =>
    `This is a GGUF file of version ${found}; versions ${supported.join(", ")} are supported. Convert it with a recent llama.cpp.`,
  big_endian: () =>
    "This GGUF file is big-endian, which is not supported. Convert it to little-endian.",
  split_file: ({ found }) =>
    `This file is one of ${found} parts of a model. Join them with \`llama-gguf-split --merge\` and load the result.`,
  experts: () =>
    "This model is a mixture of experts, which is not supported. Choose a dense model.",
  head_sizes: ({ found }) =>
    `The model's keys and values differ in length (${found}), which is not supported.`,
  tensor: ({ found, tensor }) =>
    `The tensor ${tensor} is not part of the supported ${found} models. Choose another model.`,
  tensor_format: ({ found, tensor, supported }) =>
    `The tensor ${tensor} is stored as ${found}, which is not supported. Choose a file in one of ${supported.join(", ")}.`,
  rope_scaling: ({ found, supported }) =>
    `The model scales RoPE by ${found}; supported are ${supported.join(", ")}.`,
  tokenizer: ({ found, supported }) =>
    `The tokenizer ${found} is not supported. Supported are ${supported.join(", ")}.`,
  pre_tokenizer: ({ found, supported }) =>
    `The pre-tokenizer ${found} is not supported. Supported are ${supported.join(", ")}.`,
};

function describeStatus(url: string, status: number): string {
  if (status === 404 || status === 410)
    return `There is no file at ${url} (HTTP ${status}). Check the address.`;
  if (status === 401 || status === 403)
    return `The server refuses ${url} (HTTP ${status}): the file needs a login, or its license must be accepted. Download it in a browser that is logged in and open it from disk.`;
  if (status === 416)
    return `The file at ${url} is empty or shorter than it was (HTTP 416). Load the model again.`;
  return `The server of ${url} answered with HTTP ${status}. Try again later.`;
}

function corsRefusal(host: string): string {
  return `the server ${host} does not let other pages read its files (CORS). Use a server that sends Access-Control-Allow-Origin, or download the file and open it from disk`;
}
