/** The errors of the server itself, as OpenAI clients expect them. A room's own errors pass through untouched. */
import {
  API_PROBLEM_STATUS,
  type ApiErrorBody,
  apiErrorBody,
  type ApiProblem,
} from "../src/shared/index.ts";
import { describeApiProblem } from "../src/words/index.ts";

const STATUS_HEADERS: Readonly<Record<number, Record<string, string>>> = {
  401: { "WWW-Authenticate": "Bearer" },
  503: { "Retry-After": "1" },
};

/** The headers of an error response besides its type. */
export function problemHeaders(problem: ApiProblem): Record<string, string> {
  if ("retryAfterS" in problem) return { "Retry-After": String(problem.retryAfterS) };
  return STATUS_HEADERS[problemStatus(problem)] ?? {};
}

export function problemStatus(problem: ApiProblem): number {
  return API_PROBLEM_STATUS[problem.reason];
}

export function problemBody(problem: ApiProblem): ApiErrorBody {
  return apiErrorBody(problemStatus(problem), problem.reason, describeApiProblem(problem), problem);
}

export function problemResponse(problem: ApiProblem): Response {
  const init = { status: problemStatus(problem), headers: problemHeaders(problem) };
  return Response.json(problemBody(problem), init);
}

/** The same error as a server-sent event, for a stream that has begun. */
export function problemEvent(problem: ApiProblem): string {
  return `data: ${JSON.stringify(problemBody(problem))}\n\n`;
}
