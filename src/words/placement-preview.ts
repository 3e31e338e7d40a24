/** What the placement preview says of each candidate: costs, limits, who was left out, and why. */
import type { CostParts, ExplainedShare, LeftOut, Objective } from "../placement/index.ts";
import type { BrokenRule, CandidateOrigin } from "../shared/index.ts";
import { describeBrokenRule } from "./placement.ts";
import { exactBytes, layerRange, time } from "./quantities.ts";
import { describer, type NameOf } from "./sentences.ts";

/** Sentences about where the time of a token goes. */
export function describeCost(
  parts: CostParts,
  stages: number,
  tokensPerSecond: number | null,
): string[] {
  const pieces = [`${time(parts.computeMs)} of computation`, `${time(parts.stageMs)} of overhead`];
  if (stages > 1 && Number.isFinite(parts.hopMs))
    pieces.push(`${time(parts.hopMs)} between members`);
  const together =
    tokensPerSecond !== null && stages > 1
      ? [`Many answers at once: up to ${tokensPerSecond.toFixed(1)} tokens/s in total.`]
      : [];
  return [`One token: ${pieces.join(", ")}.`, ...together];
}

type Share = Pick<
  ExplainedShare,
  "member" | "first" | "end" | "computeMs" | "stageMs" | "hopMs" | "binds"
>;

/** One line for each stage: its layers, its time, and what limits its share. */
export function describeShares(
  shares: readonly Share[],
  isSolversChoice: boolean,
  nameOf: NameOf,
): string[] {
  return shares.map((share, index) => {
    const { computeMs, stageMs, hopMs, binds } = share;
    const where = index === shares.length - 1 ? "back to the first" : "to the next";
    const hop = shares.length > 1 && Number.isFinite(hopMs) ? `, then ${time(hopMs)} ${where}` : "";
    // Only for the solver's choice is it known that another share is no better.
    const limit = binds === "cost" && !isSolversChoice ? "It could hold more." : LIMITS[binds];
    return `${nameOf(share.member)} has ${layerRange(share)}: ${time(computeMs + stageMs)}${hop}. ${limit}`;
  });
}

const LIMITS: Readonly<Record<ExplainedShare["binds"], string>> = {
  memory: "It is full: one more layer does not fit in its memory.",
  binding: "Its GPU cannot bind a tensor of the next layer.",
  pinned: "It is pinned to these layers.",
  cost: "It could hold more, but that would save nothing.",
  all_layers: "It runs every layer.",
};

/** What a member without a stage would cost. */
export const describeLeftOut = describer<LeftOut>({
  costs_more: ({ member, extraMs, costMs, isProven }, nameOf) => {
    const extra = `${isProven ? "" : "about "}${time(extraMs)}`;
    return `Including ${nameOf(member)} would cost ${extra} more per token (${time(costMs)} in total).`;
  },
  excluded: ({ member }, nameOf) => `${nameOf(member)} has no layers: it is excluded.`,
  impossible: ({ member }, nameOf) =>
    `${nameOf(member)} has no layers: no placement can include it.`,
  fits_nowhere_here: ({ member }, nameOf) =>
    `${nameOf(member)} has no layers: it fits nowhere in this pipeline.`,
  not_found_in_time: ({ member }, nameOf) =>
    `${nameOf(member)} has no layers: no placement with it was found in time.`,
});

/** The effect of a constraint that a member breaks. */
export function describeRuleEffect(rule: BrokenRule, nameOf: NameOf): string {
  const why = describeBrokenRule(rule, nameOf);
  return rule.hard
    ? `${why}, so it takes no layers.`
    : `${why}; the cost of using it includes a penalty.`;
}

/** How good the solver's choice is. */
export function describeProof(isProven: boolean, elapsedMs: number): string {
  return isProven
    ? "No other placement is better for the room's objective (proven)."
    : `This is the best placement found in ${time(elapsedMs)}.`;
}

/** What a stage lacks to hold its layers. */
export function describeExcess(bytes: number): string {
  return `${exactBytes(bytes)} more than this member has`;
}

const BEST = {
  latency: "Fastest answer",
  throughput: "Most answers at once",
  prefill: "Fastest prompt processing",
};

/** A heading for a placement that one or more sources proposed. */
export function labelCandidate(
  origins: readonly CandidateOrigin[],
  objective: Objective,
  nameOf: NameOf,
): string {
  const best = typeof objective === "string" ? BEST[objective] : "Best weighted mix";
  const [first] = origins;
  if (first === undefined || origins.some(({ kind }) => kind === "solver")) return best;
  // Two placements may be equally good: the solver's and one of the Pareto front.
  const distinct = (name: string) => (name === best ? `${name}, alternative` : name);
  const fronts = origins.filter((origin) => origin.kind === "pareto_front");
  if (fronts.some(({ point, points }) => point === points)) return distinct(BEST.throughput);
  if (fronts.some(({ point }) => point === 1)) return distinct(BEST.latency);
  if (first.kind === "current") return "Current placement";
  if (fronts.length > 0) return "Balance of speed and capacity";
  switch (first.kind) {
    case "runner_up":
      return `Runner-up ${first.rank}`;
    case "single_member":
      return `${nameOf(first.member)} alone`;
    case "greedy":
      return "Greedy rule";
    default:
      return "Draft";
  }
}
