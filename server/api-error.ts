/** The errors of the server itself, as OpenAI clients expect them. A room's own errors pass through untouched. */
import {
  API_PROBLEM_STATUS,
  type ApiErrorBody,
  apiErrorBody,
  type ApiProblem,
} from "../src/shared/index.ts";
import { describeApiProblem } from "../src/words/index.ts";

function bodyOf(problem: ApiProblem): ApiErrorBody {
  const status = API_PROBLEM_STATUS[problem.kind];
  return apiErrorBody(status, problem.kind, describeApiProblem(problem), problem);
}

export function problemResponse(problem: ApiProblem): Response {
  const status = API_PROBLEM_STATUS[problem.kind];
  const headers = status === 503 ? { "Retry-After": "1" } : undefined;
  return Response.json(bodyOf(problem), headers ? { status, headers } : { status });
}

/** The same error as a server-sent event, for a stream that has begun. */
export function problemEvent(problem: ApiProblem): string {
  return `data: ${JSON.stringify(bodyOf(problem))}\n\n`;
}
