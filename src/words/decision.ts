/** The last decision about where the layers run: what led to it, and why it went that way. */
import type { CapacityChange, Decision, DecisionReason, DecisionTrigger } from "../shared/index.ts";
import type { NameOf } from "./name-of.ts";
import {
  describeBrokenRule,
  describeChoice,
  describeGain,
  describeMove,
  describeRefusal,
} from "./placement.ts";
import { listed } from "./quantities.ts";
import { describeRoomFailure } from "./room-failure.ts";

/** One sentence. */
export function describeTrigger(trigger: DecisionTrigger, nameOf: NameOf): string {
  switch (trigger.kind) {
    case "person":
      return "A person placed the model.";
    case "loss":
      return describeRoomFailure(trigger.failure, nameOf);
    case "changes":
      return capitalized(
        `${trigger.changes.map((change) => describeChange(change, nameOf)).join(", ")}.`,
      );
    default:
      return trigger satisfies never;
  }
}

/** One or more sentences. */
export function describeDecision(decision: Decision, nameOf: NameOf): string {
  const { reason, includesPenalties, isTokenTime, waitingAnswers } = decision;
  return [
    describeReason(reason, nameOf),
    ...(hasTimes(reason) && !isTokenTime
      ? ["These times are of the room's objective, which is not the time of one token."]
      : []),
    ...(hasTimes(reason) && includesPenalties
      ? ["These times include penalties for violated soft constraints."]
      : []),
    ...(waitingAnswers === 1
      ? ["The answer in progress continues once the model has loaded."]
      : waitingAnswers > 1
        ? [`The ${waitingAnswers} answers in progress continue once the model has loaded.`]
        : []),
  ].join(" ");
}

function describeReason(reason: DecisionReason, nameOf: NameOf): string {
  switch (reason.kind) {
    case "manual":
      return "The stages were chosen by hand.";
    case "solved":
      return describeChoice(reason.choice);
    case "cost":
      return describeMove(reason.move, nameOf);
    case "rules_violated":
      return `The layers must move: ${listed(reason.brokenRules.map((rule) => describeBrokenRule(rule, nameOf)))}.`;
    case "settings_changed":
      return "The model loads again, because the settings that its layers were loaded with changed.";
    case "manual_kept":
      return `The layers stay: their stages were chosen by hand.${wouldSave(reason)}`;
    case "cooldown":
      return `The layers stay for now: they moved a moment ago.${wouldSave(reason)}`;
    case "no_alternative":
      return `The current placement stays, because there is no other. ${describeRefusal(reason.refusal, nameOf)}`;
    case "failed":
      return describeRoomFailure(reason.failure, nameOf);
    default:
      return reason satisfies never;
  }
}

function wouldSave({
  gainMs,
  currentMs,
}: {
  readonly gainMs: number | null;
  readonly currentMs: number | null;
}): string {
  if (gainMs === null || currentMs === null) return "";
  return ` The solver's placement would save ${describeGain({ gainMs, currentMs })}.`;
}

/** Whether the sentence of a reason has times in it. */
function hasTimes(reason: DecisionReason): boolean {
  if (reason.kind === "manual_kept" || reason.kind === "cooldown") return reason.gainMs !== null;
  return reason.kind === "cost" && "gainMs" in reason.move;
}

const MEMBER_CHANGES: Readonly<
  Record<Extract<CapacityChange, { kind: "member" }>["change"], string>
> = {
  joined: "joined",
  left: "left",
  released: "is used as the solver decides",
  pinned: "was pinned",
  excluded: "was excluded",
  measured: "was measured again",
  violates_rule: "violates a constraint",
  no_longer_violates: "no longer violates any constraint",
  slower: "became slower",
  faster: "became faster",
};

function describeChange(change: CapacityChange, nameOf: NameOf): string {
  switch (change.kind) {
    case "coordinator":
      return "another member coordinates the room";
    case "settings":
      return "the settings changed";
    case "links":
      return "links were measured";
    case "member": {
      const broken = change.brokenRules.map((rule) => describeBrokenRule(rule, nameOf));
      const rules = broken.length === 0 ? "" : ` (${broken.join(", ")})`;
      return `${nameOf(change.member)} ${MEMBER_CHANGES[change.change]}${rules}`;
    }
    default:
      return change satisfies never;
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
