/**
 * The errors that the server itself answers, in the shape that OpenAI clients
 * expect. Errors of the room come through the bridge and are not touched.
 */
import type { Response } from "express";

export type ApiError = {
  readonly status: number;
  /** A tag for code. */
  readonly code: string;
  /** What happened and what to do, for people. */
  readonly message: string;
};

/** The JSON body of `error`. */
export function errorBody({ status, code, message }: ApiError) {
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  return { error: { message, type, param: null, code } };
}

/** Answers with `error`; a 503 asks to be tried again soon. */
export function sendError(response: Response, error: ApiError): void {
  if (error.status === 503) response.setHeader("Retry-After", "1");
  response.status(error.status).json(errorBody(error));
}

/** The same error as a server-sent event, for a stream that has begun. */
export function errorEvent(error: ApiError): string {
  return `data: ${JSON.stringify(errorBody(error))}\n\n`;
}
