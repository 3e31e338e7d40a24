/** The cluster's placement preview as the page shows it: sentences and a few numbers. */
import type { PlacementPreviewAnswer, PreviewCandidate } from "../cluster/index.ts";
import type { Member } from "../shared/index.ts";
import type { PlacementCandidate, PlacementPreview } from "../ui/index.ts";
import {
  describeCost,
  describeExcess,
  describeLeftOut,
  describeProof,
  describeRuleEffect,
  describeShares,
  describeViolation,
  labelCandidate,
  nameOfMembers,
  type NameOf,
} from "../words/index.ts";

/** A longer list of candidates side by side is not readable. */
const MAX_SHOWN = 9;

/** All of the page's preview except the draft. */
export function previewOf(
  preview: PlacementPreviewAnswer,
  members: readonly Member[],
): Omit<PlacementPreview, "draft"> {
  const nameOf = nameOfMembers(members);
  return {
    model: preview.model,
    candidates: preview.candidates.slice(0, MAX_SHOWN).map((candidate) => ({
      ...draftOf(candidate, members),
      label: labelCandidate(candidate.origins, preview.objective, nameOf),
      explanation: explanationOf(candidate, preview, nameOf),
    })),
  };
}

/** One candidate; its explanation has only the cost. */
export function draftOf(
  candidate: PreviewCandidate,
  members: readonly Member[],
): PlacementCandidate {
  const { stages, predictedMsPerToken, violations } = candidate;
  const msPerToken = predictedMsPerToken ?? Infinity;
  const nameOf = nameOfMembers(members);
  return {
    label: "",
    stages: stages.map(({ member, first, end, usedBytes, memoryBytes, ...times }) => ({
      member,
      first,
      end,
      computeMs: times.computeMs + times.stageMs,
      hopMs: times.hopMs,
      problem: usedBytes > memoryBytes ? describeExcess(usedBytes - memoryBytes) : null,
    })),
    msPerToken,
    tokensPerSecond: 1000 / msPerToken,
    explanation: costOf(candidate),
    infeasible:
      violations.length === 0
        ? null
        : `${violations.map((violation) => describeViolation(violation, nameOf)).join(". ")}.`,
  };
}

function explanationOf(
  candidate: PreviewCandidate,
  preview: PlacementPreviewAnswer,
  nameOf: NameOf,
): string[] {
  const isSolvers = candidate.origins.some(({ kind }) => kind === "solver");
  const lines = [...costOf(candidate), ...describeShares(candidate.stages, isSolvers, nameOf)];
  return isSolvers ? [...lines, ...solverLines(preview, nameOf)] : lines;
}

function solverLines(preview: PlacementPreviewAnswer, nameOf: NameOf): string[] {
  const { explanation, kind, brokenRules, elapsedMs } = preview;
  return [
    describeProof(kind === "optimal", elapsedMs),
    ...(explanation?.leftOut ?? [])
      .filter(({ member }) => !brokenRules.some((rule) => rule.hard && rule.member === member))
      .map((leftOut) => describeLeftOut(leftOut, nameOf)),
    ...brokenRules.map((rule) => describeRuleEffect(rule, nameOf)),
  ];
}

function costOf({ parts, stages, predictedTokensPerSecond }: PreviewCandidate): string[] {
  return describeCost(parts, stages.length, predictedTokensPerSecond);
}
