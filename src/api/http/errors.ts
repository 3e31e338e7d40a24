/** Errors as OpenAI's clients expect them: a status, and a body with type, code and param. */
import type { z } from "zod";
import { RoomError, type RoomErrorCode } from "../../cluster/room-error.ts";
import { type HttpResponse, json } from "./message.ts";
import { errorMessage } from "../../shared/error-message.ts";

/** A request that makes no sense; `param` names the field. Caught by the router. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

const STATUS: Readonly<Record<RoomErrorCode, number>> = {
  bad_request: 400,
  not_found: 404,
  refused: 403,
  unavailable: 503,
  failed: 500,
  cancelled: 499,
};

export function errorBody(error: unknown): { readonly status: number; readonly body: object } {
  const { status, code, param } = describe(error);
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  return { status, body: { error: { message: errorMessage(error), type, param, code } } };
}

export function errorResponse(error: unknown): HttpResponse {
  const { status, body } = errorBody(error);
  const answer = json(body, status);
  return status === 503
    ? { ...answer, headers: { ...answer.headers, "retry-after": "1" } }
    : answer;
}

/** The body as JSON that fits `schema`; throws `HttpError` that names the field. */
export function parseBody<T>(schema: z.ZodType<T>, body: string): T {
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch (error) {
    throw new HttpError(400, "invalid_json", `The body is not JSON: ${errorMessage(error)}`);
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  throw new HttpError(
    400,
    "invalid_value",
    `${path ? `${path}: ` : ""}${issue?.message ?? "The body is not as expected."}`,
    path || null,
  );
}

function describe(error: unknown): { status: number; code: string; param: string | null } {
  if (error instanceof HttpError) return error;
  if (error instanceof RoomError)
    return { status: STATUS[error.code], code: error.code, param: null };
  return { status: 500, code: "internal_error", param: null };
}
