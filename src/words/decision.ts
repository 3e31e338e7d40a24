/** The last decision about where the layers run: its trigger and its reason. */
import type { CapacityChange, Decision, DecisionReason, DecisionTrigger } from "../shared/index.ts";
import {
  describeBrokenRule,
  describeChoice,
  describeGain,
  describeMove,
  describeRefusal,
} from "./placement.ts";
import { capitalized, listed } from "./quantities.ts";
import { describeRoomFailure } from "./room-failure.ts";
import { describer, type NameOf } from "./sentences.ts";

/** One sentence. */
export const describeTrigger = describer<DecisionTrigger>({
  person: () => "A person placed the model.",
  loss: ({ failure }, nameOf) => describeRoomFailure(failure, nameOf),
  changes: ({ changes }, nameOf) =>
    capitalized(`${changes.map((change) => describeChange(change, nameOf)).join(", ")}.`),
});

/** One or more sentences. */
export function describeDecision(decision: Decision, nameOf: NameOf): string {
  const { reason, includesPenalties, isTokenTime, waitingAnswers } = decision;
  const kept = gainOfOther(decision);
  const hasTimes = kept !== null || (reason.kind === "cost" && "gainMs" in reason.move);
  return [
    describeReason(reason, nameOf),
    ...(kept ? [`The solver's placement would save ${describeGain(kept)}.`] : []),
    ...(hasTimes && !isTokenTime
      ? ["These times measure the room's objective, not the time of one token."]
      : []),
    ...(hasTimes && includesPenalties
      ? ["These times include penalties for violated soft constraints."]
      : []),
    ...(waitingAnswers === 1
      ? ["The answer in progress continues once the model has loaded."]
      : waitingAnswers > 1
        ? [`The ${waitingAnswers} answers in progress continue once the model has loaded.`]
        : []),
  ].join(" ");
}

const describeReason = describer<DecisionReason>({
  manual: () => "The stages were chosen by hand.",
  solved: ({ choice }) => describeChoice(choice),
  repaired: () =>
    "The other members keep their layers, so that answers in progress continue sooner.",
  cost: ({ move }, nameOf) => describeMove(move, nameOf),
  rules_violated: ({ brokenRules }, nameOf) =>
    `The layers must move: ${listed(brokenRules.map((rule) => describeBrokenRule(rule, nameOf)))}.`,
  settings_changed: () =>
    "The model loads again, because the settings that its layers were loaded with changed.",
  manual_kept: () => "The layers stay: their stages were chosen by hand.",
  cooldown: () => "The layers stay for now: they moved a moment ago.",
  no_alternative: ({ refusal }, nameOf) =>
    `The current placement stays, because no other one is possible. ${describeRefusal(refusal, nameOf)}`,
  failed: ({ failure }, nameOf) => describeRoomFailure(failure, nameOf),
});

/** What the solver's placement would save where another reason keeps the layers. */
function gainOfOther({ reason, gainMs, currentMs }: Decision) {
  const isKept = reason.kind === "manual_kept" || reason.kind === "cooldown";
  return isKept && gainMs !== null && gainMs > 0 && currentMs !== null
    ? { gainMs, currentMs }
    : null;
}

const MEMBER_CHANGES: Readonly<
  Record<Extract<CapacityChange, { kind: "member" }>["change"], string>
> = {
  joined: "joined",
  left: "left",
  released: "is no longer pinned or excluded",
  pinned: "was pinned",
  excluded: "was excluded",
  measured: "was measured again",
  violates_rule: "violates a constraint",
  no_longer_violates: "no longer violates any constraint",
  proved_speed: "has confirmed its claimed speed",
  slower: "became slower",
  slows_soon: "will soon be slower",
  faster: "became faster",
};

const describeChange = describer<CapacityChange>({
  coordinator: () => "another member coordinates the room",
  settings: () => "the settings changed",
  links: () => "links were measured",
  member: ({ member, change, brokenRules }, nameOf) => {
    const broken = brokenRules.map((rule) => describeBrokenRule(rule, nameOf));
    const rules = broken.length === 0 ? "" : ` (${broken.join(", ")})`;
    return `${nameOf(member)} ${MEMBER_CHANGES[change]}${rules}`;
  },
});
