/** What the cluster says of possible placements, as the page shows it: names, words, few numbers. */
import type { PlacementPreviewAnswer, PreviewCandidate } from "../cluster/preview.ts";
import { MemberId } from "../shared/ids.ts";
import type { Member } from "../shared/member.ts";
import type { PlacementCandidate, PlacementPreview } from "../shared/page-view.ts";
import { namesIn } from "../ui/member-names.ts";

/** Side by side, more than this is a list that nobody reads. */
const MOST_SHOWN = 9;

/** All of the page's preview but the draft. */
export function previewOf(
  answer: PlacementPreviewAnswer,
  members: readonly Member[],
): Omit<PlacementPreview, "draft"> {
  const named = wordsFor(members);
  const shown = answer.candidates.slice(0, MOST_SHOWN);
  return {
    model: answer.model,
    candidates: shown.map((candidate) => ({
      ...draftOf(candidate, members),
      label: labelOf(candidate, answer, named),
      explanation: [
        ...costLines(candidate),
        ...shareLines(candidate, named),
        ...(candidate.labels.includes("solver") ? solverLines(answer, named) : []),
      ],
    })),
    why: whyLines(answer, named),
    reason: answer.reason === null ? null : named(answer.reason),
  };
}

/** One candidate; its explanation says only where the time goes. */
export function draftOf(
  candidate: PreviewCandidate,
  members: readonly Member[],
): PlacementCandidate {
  const { label, stages, predictedMsPerToken, problems } = candidate;
  const msPerToken = predictedMsPerToken ?? Infinity;
  return {
    label,
    stages: stages.map(
      ({ member, first, end, computeMs, stageMs, hopMs, usedBytes, memoryBytes }) => ({
        member: MemberId.parse(member),
        first,
        end,
        computeMs: computeMs + stageMs,
        hopMs: hopMs ?? Infinity,
        memoryBytes: usedBytes,
        problem:
          usedBytes > memoryBytes
            ? `${(usedBytes - memoryBytes).toLocaleString("en")} bytes more than this member has`
            : null,
      }),
    ),
    msPerToken,
    tokensPerSecond: 1000 / msPerToken,
    explanation: costLines(candidate),
    infeasible: problems.length === 0 ? null : wordsFor(members)(`${problems.join(". ")}.`),
  };
}

/** Why the placement that runs is as it is; empty without one. */
function whyLines(answer: PlacementPreviewAnswer, named: (text: string) => string): string[] {
  const current = answer.candidates.find(({ labels }) => labels.includes("current"));
  if (current === undefined) return [];
  const best = answer.candidates.find(({ labels }) => labels.includes("solver"));
  const shares = shareLines(current, named);
  if (best === current) return [...costLines(current), ...shares, ...solverLines(answer, named)];
  const [now, then] = [current.predictedMsPerToken, best?.predictedMsPerToken ?? null];
  const behind =
    now === null || then === null
      ? []
      : [`The solver's choice would take ${ms(then)} a token instead of ${ms(now)}.`];
  return [...costLines(current), ...shares, ...behind];
}

function solverLines(answer: PlacementPreviewAnswer, named: (text: string) => string): string[] {
  const { explanation, kind, brokenRules } = answer;
  return [
    kind === "optimal"
      ? "It is proven that none is better for the room's objective."
      : `It is the best that was found in ${ms(answer.elapsedMs)}.`,
    ...(explanation?.leftOut ?? [])
      .filter(({ member }) => !brokenRules.some((rule) => rule.hard && rule.member === member))
      .map(({ why }) => named(why)),
    ...brokenRules.map(({ member, reason, hard }) =>
      named(
        hard
          ? `${member} is kept out: it ${reason}.`
          : `What ${member} costs includes the charge of a soft rule: it ${reason}.`,
      ),
    ),
  ];
}

/** What each member holds, how long it takes, and what binds its share. */
function shareLines(
  { stages, labels }: PreviewCandidate,
  named: (text: string) => string,
): string[] {
  return stages.map((stage, index) => {
    const { member, first, end, computeMs, stageMs, hopMs, binds, why } = stage;
    const layers = end - first === 1 ? `layer ${first}` : `layers ${first}–${end - 1}`;
    const where = index === stages.length - 1 ? "back to the first" : "to the next";
    const hop = stages.length > 1 && hopMs !== null ? `, then ${ms(hopMs)} ${where}` : "";
    const told = why.startsWith(`${member} `) ? `It${why.slice(member.length)}` : why;
    // Only of the solver's own choice is it known that another share is no better.
    const free = labels.includes("solver") ? ", but that would gain nothing" : "";
    const reason = binds === "cost" ? `It could hold more${free}.` : told;
    return named(`${member} has ${layers}: ${ms(computeMs + stageMs)}${hop}. ${reason}`);
  });
}

function costLines({ parts, predictedTokensPerSecond, stages }: PreviewCandidate): string[] {
  const pieces = [`${ms(parts.computeMs)} of computing`, `${ms(parts.stageMs)} of overhead`];
  if (stages.length > 1 && Number.isFinite(parts.hopMs)) {
    pieces.push(`${ms(parts.hopMs)} between members`);
  }
  const together =
    predictedTokensPerSecond !== null && stages.length > 1
      ? [`Many answers at once: up to ${predictedTokensPerSecond.toFixed(1)} tokens/s together.`]
      : [];
  return [`A token: ${pieces.join(", ")}.`, ...together];
}

const BEST: Readonly<Record<string, string>> = {
  latency: "Fastest answer",
  throughput: "Most answers at once",
  prefill: "Fastest to read a prompt",
};

function labelOf(
  { label, labels }: PreviewCandidate,
  { objective, front }: PlacementPreviewAnswer,
  named: (text: string) => string,
): string {
  const fronts = labels.filter((each) => each.startsWith("front "));
  const best = typeof objective === "string" ? (BEST[objective] ?? objective) : "Best mix";
  if (labels.includes("solver")) return best;
  // Where two are equally good, the solver's and the front's may be others.
  const distinct = (name = "") => (name === best ? `${name}, another way` : name);
  if (fronts.includes(`front ${front.length}`)) return distinct(BEST["throughput"]);
  if (fronts.includes("front 1")) return distinct(BEST["latency"]);
  if (label === "current") return "As it is now";
  if (fronts.length > 0) return "Between one answer and many";
  if (label.startsWith("runner-up")) return `Runner-up ${label.slice("runner-up ".length)}`;
  if (label === "greedy") return "Simple rule";
  return label === "baseline" ? "By memory alone" : named(label);
}

/** Members by their names, and counts of bytes as people read them. */
function wordsFor(members: readonly Member[]): (text: string) => string {
  const named = namesIn(members);
  return (text) =>
    named(text).replaceAll(/\d{4,}(?= bytes)/g, (digits) => Number(digits).toLocaleString("en"));
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}
