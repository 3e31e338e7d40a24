/** What the cluster says of possible placements, as the page shows it. */
import type { PlacementPreviewAnswer, PreviewCandidate } from "../cluster/preview.ts";
import { MemberId } from "../shared/ids.ts";
import type { PlacementCandidate } from "../shared/page-view.ts";

const LABELS: Readonly<Record<string, string>> = {
  solver: "Fastest answer",
  greedy: "Simple rule",
  current: "As it is now",
};

export function candidatesOf({ candidates }: PlacementPreviewAnswer): PlacementCandidate[] {
  return candidates.map(draftOf);
}

export function draftOf(candidate: PreviewCandidate): PlacementCandidate {
  const { label, stages, predictedMsPerToken, parts, problems } = candidate;
  const msPerToken = predictedMsPerToken ?? Infinity;
  return {
    label: LABELS[label] ?? label,
    stages: stages.map(
      ({ member, first, end, computeMs, stageMs, hopMs, usedBytes, memoryBytes }) => ({
        member: MemberId.parse(member),
        first,
        end,
        computeMs: computeMs + stageMs,
        hopMs,
        memoryBytes: usedBytes,
        problem:
          usedBytes > memoryBytes
            ? `${(usedBytes - memoryBytes).toLocaleString("en")} bytes more than this member has`
            : null,
      }),
    ),
    msPerToken,
    tokensPerSecond: 1000 / msPerToken,
    explanation: [
      `Per token: ${parts.computeMs.toFixed(1)} ms of layers, ${parts.stageMs.toFixed(1)} ms of overhead, ${parts.hopMs.toFixed(1)} ms of hops.`,
    ],
    infeasible: problems.length === 0 ? null : problems.join(" "),
  };
}
