/** Which member runs which layers: the problem, its solver, and explanations of an answer. */
export {
  type ExplainedShare,
  explainShares,
  type Explanation,
  type LeftOut,
} from "./explain/explain.ts";
export { decideMove, type MoveDecision } from "./explain/move-decision.ts";
export { type Score, scoresOf } from "./explain/scores.ts";
export { type Answer, type CostParts, type FoundAnswer, isFound } from "./problem/answer.ts";
export { brokenRules } from "./problem/constraints.ts";
export { correct, type Correction, MIN_LAPS, NO_CORRECTION } from "./problem/cost-corrections.ts";
export { plausible } from "./problem/plausible.ts";
export { evaluatePlacement } from "./problem/evaluate.ts";
export { Objective, Problem, ProblemMember } from "./problem/problem.ts";
export { type RoomProblem, roomProblem } from "./problem/room-problem.ts";
export { placeGreedy } from "./solver/greedy.ts";
export type { FrontAnswer } from "./solver/pareto-sweep.ts";
export { type ExplainedAnswer, type PlacementService, placementService } from "./solver/service.ts";
export { solve } from "./solver/solve.ts";
export { warmUp } from "./solver/warm-up.ts";
export { solveWithWatchdog } from "./solver/watchdog.ts";
