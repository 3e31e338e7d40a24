/** The placement preview as HTTP clients get it: the data, with a label or message beside each part. */
import type { PlacementPreviewAnswer } from "../../cluster/index.ts";
import type { CandidateOrigin } from "../../shared/index.ts";
import {
  describeCost,
  describeLeftOut,
  describeProof,
  describeRefusal,
  describeRemedy,
  describeRuleEffect,
  describeShares,
  describeViolation,
  type NameOf,
} from "../../words/index.ts";

export function previewJson(preview: PlacementPreviewAnswer, nameOf: NameOf): object {
  const { refusal, explanation } = preview;
  return {
    ...preview,
    message: outcomeMessage(preview, nameOf),
    candidates: preview.candidates.map((candidate) => {
      const labels = candidate.origins.map(labelOf);
      return {
        label: labels[0],
        labels,
        problems: candidate.violations.map((violation) => describeViolation(violation, nameOf)),
        ...candidate,
      };
    }),
    explanation: explanation && {
      ...explanation,
      leftOut: explanation.leftOut.map((leftOut) => ({
        ...leftOut,
        message: describeLeftOut(leftOut, nameOf),
      })),
    },
    brokenRules: preview.brokenRules.map((rule) => ({
      ...rule,
      message: describeRuleEffect(rule, nameOf),
    })),
    /** What binds and what would help; null unless the model is proven not to fit. */
    infeasible:
      refusal?.kind === "infeasible"
        ? {
            binds: refusal.binds,
            shortBytes: refusal.shortBytes,
            wouldHelp: refusal.remedies.map((remedy) => describeRemedy(remedy, nameOf)),
          }
        : null,
  };
}

function outcomeMessage(preview: PlacementPreviewAnswer, nameOf: NameOf): string {
  if (preview.refusal !== null) return describeRefusal(preview.refusal, nameOf);
  const chosen = preview.candidates.find(({ origins }) => origins[0]?.kind === "solver");
  if (chosen === undefined) return "";
  return [
    ...describeCost(chosen.parts, chosen.stages.length, chosen.predictedTokensPerSecond),
    ...describeShares(chosen.stages, true, nameOf),
    describeProof(preview.kind === "optimal", preview.elapsedMs),
  ].join(" ");
}

function labelOf(origin: CandidateOrigin): string {
  switch (origin.kind) {
    case "pareto_front":
      return `front ${origin.point}`;
    case "runner_up":
      return `runner-up ${origin.rank}`;
    case "single_member":
      return `${origin.member} alone`;
    default:
      return origin.kind;
  }
}
