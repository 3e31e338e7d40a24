/** The sentence of every failure. */
import { expect, test } from "vitest";
import { Failure } from "../../src/shared/failure.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import { MalformedProblem, UnsupportedModelFeature } from "../../src/shared/model-failure.ts";
import { describeFailure } from "../../src/words/failure.ts";
import { describeModelNotice } from "../../src/words/model-failure.ts";

const peer = MemberId.parse("tab-1");
const code = RoomCode.parse("ABCDEF");
const url = "https://models.example/a.gguf";
const file = "a.gguf";
const detail = "no answer";
const cause = { reason: "channel_closed" } as const;
const nameOf = (id: MemberId) => (id === peer ? "Kitchen laptop" : id);

const samples: {
  readonly [R in Failure["reason"]]: Omit<Extract<Failure, { reason: R }>, "reason">;
} = {
  malformed_file: { problem: "not_gguf", subject: "magic", found: null, expected: null },
  unsupported_model: {
    feature: "tokenizer",
    found: "t5",
    supported: ["gpt2", "llama"],
    tensor: null,
  },
  truncated_header: { part: "a metadata key", offsetBytes: 24, fileBytes: 30 },
  truncated_tensor: { file, tensor: "output.weight", endBytes: 900, fileBytes: 800 },
  read_past_end: { file, offsetBytes: 90, lengthBytes: 20, fileBytes: 100 },
  picked_file_gone: { file },
  model_differs: { model: "tiny" },
  file_not_open: { file },
  peer_bytes_wrong: { peer, file },
  range_not_held: { file },
  peer_read_timeout: { file, timeoutMs: 30_000 },
  chat_template_unreadable: { detail },
  chat_template_refused: { detail },
  chat_template_timeout: { timeoutMs: 2000 },
  chat_template_limit: { subject: "characters", limit: 1_000_000 },
  not_a_web_address: { url: "ftp://a" },
  http_status: { url, status: 404 },
  url_unreachable: { url, host: "models.example", detail, isOwnServer: false, mayBeCors: true },
  cors_refused: { url, host: "models.example" },
  mixed_content: { url },
  no_range_requests: { url },
  length_hidden: { url },
  file_changed: { url },
  storage_full: { usedBytes: 2e9, wantedBytes: 1e6 },
  storage_failed: { detail },
  stored_model_locked: { detail },
  gpu_memory_exceeded: {
    weightBytes: 3 * 2 ** 20,
    cacheBytes: 2 * 2 ** 20,
    scratchBytes: 2 ** 20,
    budgetBytes: 4 * 2 ** 20,
  },
  gpu_buffer_too_large: {
    contextTokens: 4096,
    sequences: 4,
    bufferBytes: 3 * 2 ** 20,
    maxBufferBytes: 2 ** 20,
  },
  model_shape_unsupported: { detail: "heads of 12 are not a multiple of 8" },
  gpu_out_of_memory: { detail },
  gpu_command_failed: { detail },
  gpu_lost: { detail },
  gpu_unavailable: { detail },
  shard_unloaded: {},
  closed_by_this_tab: {},
  closed_by_peer: {},
  replaced_connection: {},
  channel_closed: {},
  channel_failed: { detail },
  peer_silent: { peer },
  protocol_violation: { peer, detail },
  version_mismatch: { ours: 1, theirs: 2 },
  not_tabmesh: { peer },
  other_identity: { peer },
  connect_timeout: { peer, timeoutMs: 15_000 },
  no_such_peer: { peer },
  connection_failed: { peer, detail },
  wrong_secret: {},
  wrong_code: {},
  too_many_guesses: { waitMs: 9_500 },
  link_needed: {},
  room_locked: {},
  code_not_checked_here: { peer },
  peer_not_admitted: { peer },
  not_connected: { peer },
  send_failed: { peer, cause },
  signaling_lost: {},
  signaling_unreachable: { url },
  signaling_busy: { retryAfterS: 4 },
  signaling_timeout: { url },
  id_taken: { id: "tabmesh-ABCDEF" },
  room_not_found: { code },
  room_timeout: { code },
  room_unreachable: { code },
  invalid_room_answer: { code },
  peer_has_no_file: { peer, file },
  peer_read_failed: { peer, file, cause: { reason: "picked_file_gone", file } },
  peer_read_interrupted: { peer, file, cause },
  peer_read_invalid: { peer, file },
  stage_lost: { member: peer, cause },
  first_stage_unreachable: { member: peer, cause },
  placement_changed: {},
  layers_unloaded: {},
  layers_not_loaded: {},
  load_superseded: {},
  prompt_empty: {},
  prompt_too_long: { promptTokens: 3000, contextTokens: 2048 },
  no_free_slot: {},
  prompt_token_unknown: { token: 96, vocabulary: 96 },
  hidden_state_mismatch: { stage: 0, member: peer },
  hidden_state_not_finite: { stage: 0, member: peer },
  logits_not_finite: { stage: 1, member: peer },
  token_unknown: { stage: 1, member: peer, token: 96, vocabulary: 96 },
  position_not_next: { stage: 0, member: peer, position: 8, expected: 7 },
  unexpected_sender: { member: peer, frame: "hidden" },
  sender_not_member: { member: peer },
  generation_not_running: { member: peer },
  early_frames_exceeded: { member: peer, maxBytes: 8e6 },
  step_failed: { cause: { reason: "unexpected", detail: "out of memory" } },
  device_lost_in_step: { cause: { reason: "unexpected", detail: "driver reset" } },
  step_late: { afterMs: 31_000, boundMs: 30_000 },
  lap_late: { afterMs: 12_000, boundMs: 10_000 },
  stage_silent: { member: peer },
  load_stalled: { member: peer, loadedBytes: 2e6, totalBytes: 300e6, waitedMs: 120_000 },
  worker_failed: { worker: "GPU", detail: "" },
  worker_silent: { worker: "GPU", afterMs: 10_000 },
  worker_unreadable: { worker: "model" },
  worker_ended: { worker: "placement" },
  unexpected: { detail },
};

const describe = (failure: object) => describeFailure(Failure.parse(failure), nameOf);

test("every failure has its sentence", () => {
  const sentences = Object.entries(samples).map(([reason, data]) => [
    reason,
    describe({ reason, ...data }),
  ]);
  expect(Object.fromEntries(sentences)).toMatchInlineSnapshot(`
    {
      "channel_closed": "The channel was closed.",
      "channel_failed": "The channel failed: no answer.",
      "chat_template_limit": "The model's chat template made more than 1,000,000 characters. Shorten the conversation or choose another model.",
      "chat_template_refused": "The model's chat template does not accept these messages: no answer",
      "chat_template_timeout": "The model's chat template did not finish within 2.00 s. Use completions instead of chat, or choose another model.",
      "chat_template_unreadable": "The model's chat template cannot be read: no answer. Use completions instead of chat.",
      "closed_by_peer": "The other tab closed the connection.",
      "closed_by_this_tab": "This tab closed the connection.",
      "code_not_checked_here": "Kitchen laptop does not admit newcomers, because it does not coordinate the room.",
      "connect_timeout": "Kitchen laptop did not answer within 15 s. Check that its tab is open and on a network that this one can reach.",
      "connection_failed": "Kitchen laptop cannot be reached: no answer",
      "cors_refused": "https://models.example/a.gguf exists, but the server models.example does not let other pages read its files (CORS). Use a server that sends Access-Control-Allow-Origin, or download the file and open it from disk.",
      "device_lost_in_step": "A stage lost its GPU: driver reset.",
      "early_frames_exceeded": "Kitchen laptop refused a message, because it already keeps 8.00 MB of this tab's messages that it cannot process yet. Ask again.",
      "file_changed": "The file at https://models.example/a.gguf changed while it was read. Load the model again.",
      "file_not_open": "The file a.gguf is not open in this tab. Pick it again.",
      "first_stage_unreachable": "Kitchen laptop, which holds the first layers, cannot be reached (The channel was closed).",
      "generation_not_running": "Kitchen laptop refused the request, because the room is not running this answer. Ask again.",
      "gpu_buffer_too_large": "A context of 4096 tokens for 4 answers needs a buffer of 3.15 MB, and this adapter's limit is 1.05 MB. Reduce the context or the number of answers.",
      "gpu_command_failed": "The GPU rejected a command: no answer",
      "gpu_lost": "The GPU device was lost: no answer. Load the model again.",
      "gpu_memory_exceeded": "These layers need 6.29 MB (weights 3.15 MB, context 2.10 MB, working memory 1.05 MB), 2.10 MB more than the 4.19 MB that this tab may use. Give it fewer layers, or reduce the context.",
      "gpu_out_of_memory": "The GPU is out of memory: no answer",
      "gpu_unavailable": "The browser no longer provides a GPU: no answer",
      "hidden_state_mismatch": "Kitchen laptop (stage 1) sent rows that do not fit the model. Ask again when the model is ready.",
      "hidden_state_not_finite": "Kitchen laptop (stage 1) computed numbers that are not finite. Ask again; if it happens again, exclude this member.",
      "http_status": "There is no file at https://models.example/a.gguf (HTTP 404). Check the address.",
      "id_taken": "The id tabmesh-ABCDEF is in use at the signaling server.",
      "invalid_room_answer": "The room ABCDEF sent an invalid answer.",
      "lap_late": "No token arrived for 12.0 s; the limit is 10.0 s.",
      "layers_not_loaded": "A member does not hold its layers yet. Ask again when the model is ready.",
      "layers_unloaded": "A member unloaded its layers. Ask again when the model is ready.",
      "length_hidden": "The server of https://models.example/a.gguf does not tell this page how long the file is (it must expose Content-Range or Content-Length). Download the file and open it from disk.",
      "link_needed": "This room can be joined only with its link. Ask someone in the room for the link.",
      "load_stalled": "Kitchen laptop had loaded 2.00 MB of 300 MB after 120 s, and the room does not wait any longer.",
      "load_superseded": "These layers are no longer needed, because the model was placed again.",
      "logits_not_finite": "Kitchen laptop (stage 2) computed probabilities that are not finite. Ask again; if it happens again, exclude this member.",
      "malformed_file": "This is not a usable GGUF file: it does not begin with the letters GGUF. Choose a file that ends in .gguf.",
      "mixed_content": "This page was loaded over HTTPS, so the browser does not read https://models.example/a.gguf over HTTP. Use an https:// address.",
      "model_differs": "The file of tiny that this tab reads is not the one that the room placed: its header or its length differs. Place the model again.",
      "model_shape_unsupported": "This model cannot run here: heads of 12 are not a multiple of 8.",
      "no_free_slot": "A stage has no free slot for another answer. Ask again in a moment.",
      "no_range_requests": "The server of https://models.example/a.gguf does not support range requests. Download the file and open it from disk.",
      "no_such_peer": "There is no tab Kitchen laptop. It may have been closed.",
      "not_a_web_address": ""ftp://a" is not a web address. Enter one that begins with http:// or https://.",
      "not_connected": "This tab is not connected to Kitchen laptop.",
      "not_tabmesh": "Kitchen laptop did not introduce itself as a Tabmesh tab.",
      "other_identity": "Kitchen laptop introduced itself with another id.",
      "peer_bytes_wrong": "Kitchen laptop sent bytes that are not those of a.gguf. Open the file again on a member that you trust.",
      "peer_has_no_file": "Kitchen laptop no longer has the file a.gguf.",
      "peer_not_admitted": "Kitchen laptop is not in the room yet.",
      "peer_read_failed": "Kitchen laptop cannot read a.gguf. a.gguf can no longer be read: it was moved or changed. Pick the file again.",
      "peer_read_interrupted": "Kitchen laptop, which has a.gguf, left while it was read. The channel was closed.",
      "peer_read_invalid": "Kitchen laptop sent the wrong number of bytes of a.gguf. Load the model again.",
      "peer_read_timeout": "The members that have a.gguf sent nothing for 30.0 s.",
      "peer_silent": "Kitchen laptop no longer answers.",
      "picked_file_gone": "a.gguf can no longer be read: it was moved or changed. Pick the file again.",
      "placement_changed": "The model is being placed again. Ask again when the model is ready.",
      "position_not_next": "Kitchen laptop (stage 1) sent position 8 of the answer instead of 7. Ask again; if it happens again, exclude this member.",
      "prompt_empty": "The prompt is empty.",
      "prompt_token_unknown": "The prompt contains the token 96, and the model has only 96 tokens.",
      "prompt_too_long": "The prompt has 3,000 tokens, and the room's context has space for 2,048. Shorten it, or increase the context in the room's settings.",
      "protocol_violation": "Kitchen laptop violated the protocol: no answer.",
      "range_not_held": "No connected member has all of a.gguf. Open the file again on a member.",
      "read_past_end": "a.gguf has 100 bytes, so 20 bytes at 90 cannot be read. The file is truncated: download it again.",
      "replaced_connection": "The other tab connected again.",
      "room_locked": "This room is locked. Ask someone in the room to unlock it.",
      "room_not_found": "No room ABCDEF is open. Check the code, or open a new room: a room exists only as long as one of its tabs is open.",
      "room_timeout": "The room ABCDEF did not answer. Its tab may be closing: try again.",
      "room_unreachable": "The room ABCDEF cannot be reached.",
      "send_failed": "Cannot send to Kitchen laptop. The channel was closed.",
      "sender_not_member": "Kitchen laptop refused the request, because this tab is not in its room. Ask again.",
      "shard_unloaded": "The layers were unloaded from this tab.",
      "signaling_busy": "Too many rooms were looked up from this network. Try again in 4 s.",
      "signaling_lost": "The signaling server cannot be reached, so no new tab can join. This tab keeps trying.",
      "signaling_timeout": "The signaling server at https://models.example/a.gguf did not answer. Check that it is running.",
      "signaling_unreachable": "The signaling server at https://models.example/a.gguf cannot be reached. Check the network and reload the page.",
      "stage_lost": "The connection to Kitchen laptop, which holds part of the model, was lost (The channel was closed). Ask again when the model is ready.",
      "stage_silent": "The tab of Kitchen laptop answers, but its stage does not.",
      "step_failed": "A stage's GPU failed: out of memory.",
      "step_late": "A stage's step did not finish within 31.0 s; the limit is 30.0 s.",
      "storage_failed": "The model cannot be stored on disk (no answer).",
      "storage_full": "The browser has no more disk space for this site: 2.00 GB are used, and 1.00 MB more are needed. Free space on the disk or clear the stored models.",
      "stored_model_locked": "The stored model cannot be removed (no answer). Close other tabs of this site and try again.",
      "token_unknown": "Kitchen laptop (stage 2) sent the token 96, and the model has only 96 tokens. Ask again; if it happens again, exclude this member.",
      "too_many_guesses": "Too many wrong codes were tried in this room. Wait 10 s and try again, or use the room's link.",
      "truncated_header": "The GGUF file ends within its header: a metadata key at byte 24 reaches past the file's 30 bytes. The file is truncated or damaged: download it again.",
      "truncated_tensor": "a.gguf has 800 bytes, but its tensor output.weight ends after 900 bytes. The file is truncated or damaged: download it again.",
      "unexpected": "no answer",
      "unexpected_sender": "Kitchen laptop refused a frame of hidden states, because only another member may send it.",
      "unsupported_model": "The tokenizer t5 is not supported. Supported are gpt2, llama.",
      "url_unreachable": "https://models.example/a.gguf cannot be reached (no answer). Check the address and the network. If it opens in a tab of its own, the server models.example does not let other pages read its files (CORS). Use a server that sends Access-Control-Allow-Origin, or download the file and open it from disk.",
      "version_mismatch": "This tab uses protocol 1, the other one 2. Reload this page to get the newer version.",
      "worker_ended": "The placement worker was terminated.",
      "worker_failed": "The GPU worker failed: its script could not be loaded. Reload the page.",
      "worker_silent": "The GPU worker did not answer for 10.0 s.",
      "worker_unreadable": "The model worker sent data that this browser cannot read. Reload the page.",
      "wrong_code": "The room did not accept the code. Check the code. If it is right, someone may be intercepting the connection: use the room's link instead.",
      "wrong_secret": "The key that this tab has does not match the room's. Either it is the key of an earlier room with the same code, or someone is intercepting the connection. Ask for the room's link, or type the code in a new tab.",
    }
  `);
});

test("each problem of a malformed file has a sentence", () => {
  const sentences = MalformedProblem.options.map((problem) =>
    describe({
      reason: "malformed_file",
      problem,
      subject: "SUBJECT",
      found: "FOUND",
      expected: 9,
    }),
  );
  expect(sentences.map((text) => text.replace("This is not a usable GGUF file: ", "")))
    .toMatchInlineSnapshot(`
    [
      "it does not begin with the letters GGUF. Choose a file that ends in .gguf.",
      "FOUND.",
      "its header is larger than 9 bytes (at SUBJECT).",
      "the SUBJECT is FOUND, over the limit of 9.",
      "its metadata key "SUBJECT" occurs twice.",
      "a metadata key is named SUBJECT.",
      "SUBJECT has the unknown type FOUND.",
      "SUBJECT nests arrays too deeply.",
      "its metadata key SUBJECT is FOUND, not 9.",
      "its SUBJECT is FOUND, not 9.",
      "its layers differ in SUBJECT, which is not supported.",
      "its FOUND heads do not share 9 key-value heads evenly.",
      "its tensor SUBJECT occurs twice.",
      "it has no tensor SUBJECT.",
      "the tensor SUBJECT has the shape FOUND, not 9.",
      "the rows of SUBJECT (FOUND) are not whole blocks of 9.",
      "the tensor SUBJECT is not aligned.",
      "the tensors SUBJECT and FOUND overlap.",
      "it has no tokenizer.ggml.tokens.",
      "it names FOUND tokens but embeds 9.",
      "its tokens have no scores.",
    ]
  `);
});

test("each HTTP status has a sentence", () => {
  const statuses = [401, 404, 416, 500];
  const sentences = statuses.map((status) => describe({ reason: "http_status", url, status }));
  expect(sentences).toMatchInlineSnapshot(`
    [
      "The server refuses https://models.example/a.gguf (HTTP 401): the file needs a login, or its license must be accepted. Download it in a browser that is logged in and open it from disk.",
      "There is no file at https://models.example/a.gguf (HTTP 404). Check the address.",
      "The file at https://models.example/a.gguf is empty or shorter than it was (HTTP 416). Load the model again.",
      "The server of https://models.example/a.gguf answered with HTTP 500. Try again later.",
    ]
  `);
});

test("every feature that a model may need has its sentence", () => {
  const sentences = UnsupportedModelFeature.options.map((feature) =>
    describe({
      reason: "unsupported_model",
      feature,
      found: "FOUND",
      supported: ["A", "B"],
      tensor: "TENSOR",
    }),
  );
  expect(sentences).toMatchInlineSnapshot(`
    [
      "The architecture FOUND is not supported. Choose a model of one of these families: A, B.",
      "This is a GGUF file of version FOUND; versions A, B are supported. Convert it with a recent llama.cpp.",
      "This GGUF file is big-endian, which is not supported. Convert it to little-endian.",
      "This file is one of FOUND parts of a model. Join them with \`llama-gguf-split --merge\` and load the result.",
      "This model is a mixture of experts, which is not supported. Choose a dense model.",
      "The model's keys and values differ in length (FOUND), which is not supported.",
      "The tensor TENSOR is not part of the supported FOUND models. Choose another model.",
      "The tensor TENSOR is stored as FOUND, which is not supported. Choose a file in one of A, B.",
      "The model scales RoPE by FOUND; supported are A, B.",
      "The tokenizer FOUND is not supported. Supported are A, B.",
      "The pre-tokenizer FOUND is not supported. Supported are A, B.",
    ]
  `);
});

test("notices", () => {
  expect(
    [
      { notice: "download_resumed", url, detail } as const,
      { notice: "peer_bytes_wrong", peer, file } as const,
      { notice: "not_stored", cause: { reason: "storage_failed", detail } } as const,
    ].map((notice) => describeModelNotice(notice, nameOf)),
  ).toMatchInlineSnapshot(`
    [
      "The download of https://models.example/a.gguf was interrupted (no answer) and has resumed.",
      "Kitchen laptop sent wrong bytes of a.gguf. They were discarded, and are read from the source or from other members.",
      "The model is loaded without being stored. The model cannot be stored on disk (no answer).",
    ]
  `);
});
