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

/** `status` is that of the HTTP response. */
function problem<Reason extends string, Shape extends z.ZodRawShape>(
  status: number,
  reason: Reason,
  shape: Shape,
) {
  return failure(reason, shape).meta({ status });
}

export const ApiProblem = z.discriminatedUnion("reason", [
  problem(404, "unknown_route", { path: z.string(), routes: z.array(z.string()) }),
  problem(405, "method_not_allowed", {
    path: z.string(),
    method: z.string(),
    allowed: z.array(z.string()),
  }),
  problem(400, "invalid_json", { detail: z.string() }),
  /** `detail` is the schema's own description of what it expected. */
  problem(400, "invalid_value", { param: z.string().nullable(), detail: z.string() }),
  problem(400, "unsupported_value", { param: z.string(), feature: UnsupportedFeature }),
  /** `model` is null when the request named none and the room has none. */
  problem(404, "model_not_found", { model: z.string().nullable(), known: z.array(z.string()) }),
  problem(413, "body_too_large", { maxBytes: z.int() }),
  problem(400, "body_incomplete", {}),
  /** Too many requests from one address. */
  problem(429, "rate_limited", { retryAfterS: z.int() }),
  problem(429, "room_busy", { room: RoomCode, maxRequests: z.int(), retryAfterS: z.int() }),
  problem(503, "no_room", {}),
  problem(400, "room_required", { rooms: z.int() }),
  problem(400, "bad_room_code", { given: z.string() }),
  problem(503, "no_such_room", { room: RoomCode }),
  problem(503, "coordinator_gone", {}),
  /** The coordinator answered with something else than JSON or an event stream. */
  problem(502, "invalid_answer", {}),
  /** The request's target is not a path. */
  problem(400, "invalid_target", {}),
  /** No `Host` header, several, or one that is not a host. */
  problem(400, "invalid_host", {}),
  problem(421, "unknown_host", { host: z.string() }),
  problem(403, "foreign_origin", { origin: z.string() }),
  /** A browser sent it for another page, without that page's origin. */
  problem(403, "cross_site", {}),
  problem(415, "not_json", { contentType: z.string().nullable() }),
  /** From another machine, without a room's code or with the code of no open room. */
  problem(401, "code_missing", {}),
  problem(401, "code_wrong", {}),
  problem(401, "key_missing", {}),
  problem(401, "key_wrong", {}),
]);
export type ApiProblem = z.infer<typeof ApiProblem>;

export const API_PROBLEM_STATUS = Object.fromEntries(
  ApiProblem.options.map((option) => [option.shape.reason.value, option.meta()?.["status"]]),
) as Readonly<Record<ApiProblem["reason"], number>>;

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
