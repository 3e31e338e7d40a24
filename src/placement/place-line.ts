/** One line of a file of problems in, one answer out; what `npm run place` does. */
import type { Answer } from "./answer.ts";
import { describeIssue, Problem, type Objective } from "./problem.ts";
import { solve } from "./solve.ts";

export type LineOptions = {
  readonly deadlineMs: number;
  readonly now: () => number;
  /** Instead of the problem's own. */
  readonly objective: Objective | undefined;
};

/** A problem that is none: its name where it has one, and which field is wrong. */
export type LineError = { readonly name: string; readonly kind: "error"; readonly message: string };

/** Never throws for what the line says. */
export function placeLine(
  line: string,
  { deadlineMs, now, objective }: LineOptions,
): Answer | LineError {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (error) {
    return {
      name: "",
      kind: "error",
      message: `the line is not JSON: ${(error as Error).message}`,
    };
  }
  const parsed = Problem.safeParse(data);
  if (!parsed.success)
    return { name: nameOf(data), kind: "error", message: describeIssue(parsed.error) };
  const problem = objective === undefined ? parsed.data : { ...parsed.data, objective };
  return solve(problem, { deadlineMs, now });
}

function nameOf(data: unknown): string {
  if (typeof data !== "object" || data === null || !("name" in data)) return "";
  return typeof data.name === "string" ? data.name : "";
}
