/**
 * Why an HTTP request or a call of the library was refused, as data. `words` renders
 * the sentence; `apiErrorBody` is the JSON that OpenAI clients expect around both.
 */
import { z } from "zod";
import { failure } from "./failure-schema.ts";
import { RoomCode } from "./ids.ts";

/** A part of OpenAI's API that a room does not offer. */
export const UnsupportedFeature = z.enum([
  "tools",
  "response_format",
  "content_type",
  "echo",
  "suffix",
  "best_of",
  "n",
  "logit_bias",
  "several_prompts",
]);
export type UnsupportedFeature = z.infer<typeof UnsupportedFeature>;

export const ApiProblem = z.discriminatedUnion("reason", [
  failure("unknown_route", { path: z.string(), routes: z.array(z.string()) }),
  failure("method_not_allowed", {
    path: z.string(),
    method: z.string(),
    allowed: z.array(z.string()),
  }),
  failure("invalid_json", { detail: z.string() }),
  /** `detail` is the schema's own description of what it expected. */
  failure("invalid_value", { param: z.string().nullable(), detail: z.string() }),
  failure("unsupported_value", { param: z.string(), feature: UnsupportedFeature }),
  /** `model` is null when the request named none and the room has none. */
  failure("model_not_found", { model: z.string().nullable(), known: z.array(z.string()) }),
  failure("body_too_large", { maxBytes: z.int() }),
  failure("body_incomplete", {}),
  /** Too many requests from one address. */
  failure("rate_limited", { retryAfterS: z.int() }),
  failure("room_busy", { room: RoomCode, maxRequests: z.int(), retryAfterS: z.int() }),
  failure("no_room", {}),
  failure("room_required", { rooms: z.int() }),
  failure("bad_room_code", { given: z.string() }),
  failure("no_such_room", { room: RoomCode }),
  failure("coordinator_gone", {}),
  /** The coordinator answered with something else than JSON or an event stream. */
  failure("invalid_answer", {}),
  /** The request's target is not a path. */
  failure("invalid_target", {}),
  /** No `Host` header, several, or one that is not a host. */
  failure("invalid_host", {}),
  failure("unknown_host", { host: z.string() }),
  failure("foreign_origin", { origin: z.string() }),
  /** A browser sent it for another page, without that page's origin. */
  failure("cross_site", {}),
  failure("not_json", { contentType: z.string().nullable() }),
  /** From another machine, without a room's code or with the code of no open room. */
  failure("code_missing", {}),
  failure("code_wrong", {}),
  failure("key_missing", {}),
  failure("key_wrong", {}),
]);
export type ApiProblem = z.infer<typeof ApiProblem>;

export const API_PROBLEM_STATUS: Readonly<Record<ApiProblem["reason"], number>> = {
  unknown_route: 404,
  method_not_allowed: 405,
  invalid_json: 400,
  invalid_value: 400,
  unsupported_value: 400,
  model_not_found: 404,
  body_too_large: 413,
  body_incomplete: 400,
  rate_limited: 429,
  room_busy: 429,
  no_room: 503,
  room_required: 400,
  bad_room_code: 400,
  no_such_room: 503,
  coordinator_gone: 503,
  invalid_answer: 502,
  invalid_target: 400,
  invalid_host: 400,
  unknown_host: 421,
  foreign_origin: 403,
  cross_site: 403,
  not_json: 415,
  code_missing: 401,
  code_wrong: 401,
  key_missing: 401,
  key_wrong: 401,
};

/** The body of an error response. */
export type ApiErrorBody = {
  readonly error: {
    /** For people. */
    readonly message: string;
    readonly type: "invalid_request_error" | "server_error";
    /** The field of the request that is wrong, if it is one field. */
    readonly param: string | null;
    /** For programs: the reason of `reason`, or a broader class of errors. */
    readonly code: string;
    /** The data that `message` was rendered from, where there is any. */
    readonly reason: Readonly<Record<string, unknown>> | null;
  };
};

export function apiErrorBody(
  status: number,
  code: string,
  message: string,
  reason: ApiErrorBody["error"]["reason"],
): ApiErrorBody {
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  const param = typeof reason?.["param"] === "string" ? reason["param"] : null;
  return { error: { message, type, param, code, reason } };
}
