/** Errors as OpenAI clients expect them: a status, and a body with message, type, code, and reason. */
import type { z } from "zod";
import {
  RoomError,
  type RoomErrorCode,
  API_PROBLEM_STATUS,
  type ApiErrorBody,
  apiErrorBody,
  type ApiProblem,
  roomFailureOf,
  errorMessage,
  parseUntrusted,
} from "../../shared/index.ts";
import { describeApiProblem, describeRoomFailure, type NameOf } from "../../words/index.ts";

/** A request that the API refuses. The router and the library's errors read the problem. */
export class ApiProblemError extends Error {
  override readonly name = "ApiProblemError";
  readonly problem: ApiProblem;
  constructor(problem: ApiProblem) {
    super(describeApiProblem(problem));
    this.problem = problem;
  }
}

const ROOM_ERROR_STATUS: Readonly<Record<RoomErrorCode, number>> = {
  bad_request: 400,
  context_length_exceeded: 400,
  not_found: 404,
  refused: 403,
  busy: 429,
  unavailable: 503,
  failed: 500,
  /** As nginx logs it: the client closed the request. */
  cancelled: 499,
};

/** What an error means to a client of the API. `nameOf` gives the names that people call members by. */
export function apiErrorOf(error: unknown, nameOf: NameOf): { status: number; body: ApiErrorBody } {
  if (error instanceof ApiProblemError) {
    const { message, problem } = error;
    const status = API_PROBLEM_STATUS[problem.reason];
    return { status, body: apiErrorBody(status, problem.reason, message, problem) };
  }
  const failure = roomFailureOf(error);
  const code = error instanceof RoomError ? error.code : "internal_error";
  const status = code === "internal_error" ? 500 : ROOM_ERROR_STATUS[code];
  return {
    status,
    body: apiErrorBody(status, code, describeRoomFailure(failure, nameOf), failure),
  };
}

export function errorResponse(error: unknown, nameOf: NameOf): Response {
  const { status, body } = apiErrorOf(error, nameOf);
  const isTemporary = status === 503 || status === 429;
  return Response.json(body, { status, headers: isTemporary ? { "Retry-After": "1" } : {} });
}

/** The body as JSON that matches `schema`; otherwise throws an error that names the field. */
export async function parseBody<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
  let body: unknown;
  try {
    // Not `request.json()`, whose errors are about the `Request`.
    body = JSON.parse(await request.text());
  } catch (error) {
    throw new ApiProblemError({ reason: "invalid_json", detail: errorMessage(error) });
  }
  return parseValue(schema, body);
}

export function parseValue<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = parseUntrusted(schema, value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ApiProblemError({
    reason: "invalid_value",
    param: issue?.path.join(".") || null,
    detail: issue?.message ?? "not as expected",
  });
}
