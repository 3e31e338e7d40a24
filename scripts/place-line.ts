/** One line of a file of problems in, one answer out, as `npm run place` prints it. */
import type { z } from "zod";
import { type Answer, type Objective, Problem, solve } from "../src/placement/index.ts";
import { errorMessage } from "../src/shared/index.ts";
import { describeRemedy, describeUnknown } from "../src/words/index.ts";

export type LineOptions = {
  readonly deadlineMs: number;
  readonly now: () => number;
  /** Replaces the problem's own. */
  readonly objective: Objective | undefined;
};

/** The solver's answer, with sentences beside its reasons. */
export type LineAnswer = Answer & {
  readonly wouldHelp?: readonly string[];
  readonly message?: string;
};

/** A malformed problem: its name where it has one, and the field that is wrong. */
export type LineError = { readonly name: string; readonly kind: "error"; readonly message: string };

/** Never throws because of what the line contains. */
export function placeLine(
  line: string,
  { deadlineMs, now, objective }: LineOptions,
): LineAnswer | LineError {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (error) {
    return { name: "", kind: "error", message: `the line is not JSON: ${errorMessage(error)}` };
  }
  const parsed = Problem.safeParse(data);
  if (!parsed.success)
    return { name: nameIn(data), kind: "error", message: describeIssue(parsed.error) };
  const problem = objective === undefined ? parsed.data : { ...parsed.data, objective };
  return withSentences(solve(problem, { deadlineMs, now }));
}

/** In a file of problems, the ids are the names. */
function withSentences(answer: Answer): LineAnswer {
  if (answer.kind === "infeasible")
    return {
      ...answer,
      wouldHelp: answer.remedies.map((remedy) => describeRemedy(remedy, (id) => id)),
    };
  return answer.kind === "unknown" ? { ...answer, message: describeUnknown(answer.cause) } : answer;
}

function nameIn(data: unknown): string {
  if (typeof data !== "object" || data === null || !("name" in data)) return "";
  return typeof data.name === "string" ? data.name : "";
}

/** "members[0].layerMs: has 3 numbers, ..." for the first issue. */
function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "the problem is malformed";
  const path = issue.path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}
