/** Why layers run where they do, or cannot: sentences for `shared/placement-reasons.ts`. */
import type {
  BrokenRule,
  Choice,
  ConstraintName,
  MoveReason,
  Refusal,
  Remedy,
  SolverFailure,
  UnknownCause,
  Violation,
} from "../shared/index.ts";
import type { NameOf } from "./name-of.ts";
import {
  exactBytes,
  gibibytesNeeded,
  layerRange,
  listed,
  megabytes,
  milliseconds,
  percent,
} from "./quantities.ts";

/** "Phone has 5% of its battery left; the limit is 15%", without a full stop. */
export function describeBrokenRule({ member, breach }: BrokenRule, nameOf: NameOf): string {
  const name = nameOf(member);
  switch (breach.kind) {
    case "missing_features":
      return `${name} lacks ${listed(breach.features)}, which ${breach.quantization} weights need`;
    case "low_battery":
      return `${name} has ${percent(breach.level)} of its battery left; the limit is ${percent(breach.limit)}`;
    case "under_pressure":
      return `${name} reports ${breach.pressure} compute pressure`;
    case "throttled":
      return `${name} is ${breach.ratio.toFixed(1)} times slower than normal; the limit is ${breach.limit.toFixed(1)}`;
    case "hidden_tab":
      return `${name} is a hidden tab`;
    case "excluded":
      return `${name} is excluded`;
    default:
      return breach satisfies never;
  }
}

/** Without a full stop. */
export function describeViolation(violation: Violation, nameOf: NameOf): string {
  const name = "member" in violation ? nameOf(violation.member) : "";
  switch (violation.kind) {
    case "gap_or_overlap":
      return `${name} starts at layer ${violation.first} instead of layer ${violation.expectedFirst}`;
    case "no_layers":
      return `${name} has a stage without layers`;
    case "two_stages":
      return `${name} has two stages`;
    case "wrong_layer_count":
      return `The stages end at layer ${violation.end}, but the model has ${violation.layers} layers`;
    case "too_many_stages":
      return `There are ${violation.stages} stages; the limit is ${violation.maxStages}`;
    case "unknown_member":
      return `${name} is not in the room`;
    case "excluded":
      return `${name} is excluded`;
    case "memory":
      return `${name} is ${exactBytes(violation.shortBytes)} short of memory for its layers`;
    case "binding":
      return `${name} cannot bind a tensor that is ${exactBytes(violation.shortBytes)} too large for its GPU`;
    case "pinned_to_other_layers":
      return `${name} is pinned to ${layerRange(violation)}`;
    case "pinned_but_unused":
      return `${name} is pinned but has no stage`;
    case "unreachable":
      return `${name} has no link to ${nameOf(violation.to)}`;
    case "too_slow":
      return `A token takes ${milliseconds(violation.costMs)}; the limit is ${milliseconds(violation.maxCostMs)}`;
    default:
      return violation satisfies never;
  }
}

/** A noun phrase that continues "What would help: ". */
export function describeRemedy(remedy: Remedy, nameOf: NameOf): string {
  switch (remedy.kind) {
    case "add_member":
      return `one more member with ${gibibytesNeeded(remedy.freeBytes)} of free memory`;
    case "shrink_weights":
      return `a file with ${Math.ceil(remedy.byFraction * 100)}% fewer bytes of weights`;
    case "shrink_cache":
      return `a context or a number of generations that is ${Math.ceil(remedy.byFraction * 100)}% smaller`;
    case "add_links": {
      const named = remedy.links.map(({ from, to }) => `from ${nameOf(from)} to ${nameOf(to)}`);
      const others = remedy.missing - remedy.links.length;
      return `a link ${named.join(", ")}${others > 0 ? `, or one of ${others} others` : ""}`;
    }
    case "raise_max_stages":
      return `a limit of more than ${remedy.maxStages} ${remedy.maxStages === 1 ? "stage" : "stages"}`;
    case "unpin":
      return `unpinning ${listed(remedy.members.map(nameOf))}`;
    case "include":
      return `no longer excluding ${listed(remedy.members.map(nameOf))}`;
    case "larger_bindings":
      return "members that can bind larger buffers, or a file with smaller tensors";
    case "raise_max_cost":
      return `a limit above the ${milliseconds(remedy.bestMs)} per token of the best placement`;
    case "faster_members_or_links":
      return "a faster member or faster links";
    default:
      return remedy satisfies never;
  }
}

/** A sentence. */
export function describeUnknown(cause: UnknownCause): string {
  switch (cause.kind) {
    case "deadline":
      return "No placement was found in time, and none was ruled out.";
    case "deadline_with_slow_placement":
      return `The best placement found in time takes ${milliseconds(cause.bestMs)} per token, which is over the limit.`;
    case "greedy_rules_failed":
      return "The greedy rules found no placement; the exact search might.";
    default:
      return cause satisfies never;
  }
}

/** Sentences that say why a model is not placed and what would help. */
export function describeRefusal(refusal: Refusal, nameOf: NameOf): string {
  switch (refusal.kind) {
    case "no_computing_member":
      return "No member of the room can compute. Open the room's page in a tab whose browser supports WebGPU.";
    case "unknown":
      return `${refusal.model} was not placed. ${describeUnknown(refusal.cause)}`;
    case "infeasible": {
      const { model, binds, shortBytes, remedies, brokenRules } = refusal;
      const short =
        shortBytes > 0 ? `${exactBytes(shortBytes)} short of memory` : UNSATISFIED[binds];
      const help = remedies.map((remedy) => describeRemedy(remedy, nameOf)).join("; ");
      return [
        `${model} does not fit this room: ${short}.`,
        ...(help === "" ? [] : [`What would help: ${help}.`]),
        ...brokenRules
          .filter(({ hard }) => hard)
          .map((rule) => `${describeBrokenRule(rule, nameOf)}, so it takes no layers.`),
      ].join(" ");
    }
    default:
      return refusal satisfies never;
  }
}

const UNSATISFIED: Readonly<Record<ConstraintName, string>> = {
  memory: "its members have too little memory",
  binding: "a tensor is too large for the buffers of its GPUs",
  reachable: "links between its members are missing",
  precision: "its GPUs lack features that the weights need",
  battery: "its members' batteries are too low",
  pressure: "its members are under pressure or throttled",
  visibility: "its members' tabs are hidden",
  pinned: "the pinned members cannot all take part",
  excluded: "members that it needs are excluded",
  maxStages: "it needs more stages than are allowed",
  speed: "no placement is as fast as the room requires",
};

/** A sentence about how a placement was found. */
export function describeChoice(choice: Choice): string {
  switch (choice.kind) {
    case "proven_optimal":
      return "The solver chose this placement and proved that none is better.";
    case "best_found_in_time":
      return "The solver chose this placement as the best found in time.";
    case "greedy":
      return `A greedy rule chose this placement because ${describeFailure(choice.failure)}.`;
    default:
      return choice satisfies never;
  }
}

function describeFailure(failure: SolverFailure): string {
  switch (failure.kind) {
    case "timeout":
      return `the solver did not answer within ${failure.afterMs} ms`;
    case "error":
      return `the solver failed: ${failure.message}`;
    case "unknown":
      return "the solver found no placement in time";
    default:
      return failure satisfies never;
  }
}

/** A sentence about why a placement stays or gives way, by cost alone. */
export function describeMove(reason: MoveReason, nameOf: NameOf): string {
  switch (reason.kind) {
    case "nothing_runs":
      return "Nothing runs yet.";
    case "violates":
      return `The layers must move: ${describeViolation(reason.violation, nameOf)}.`;
    case "already_best":
      return "The current placement is still the best.";
    case "gain_below_threshold":
      return `The layers stay: moving would save ${describeGain(reason)}, less than ${percent(reason.minGainFraction)}.`;
    case "load_not_repaid": {
      const { repaidAfterTokens: after, horizonTokens, bytesToLoad } = reason;
      const when = after === null ? "never pays off" : `pays off only after ${after} tokens`;
      return `The layers stay: moving would save ${describeGain(reason)}, but loading ${megabytes(bytesToLoad)} ${when}; the limit is ${horizonTokens} tokens.`;
    }
    case "gain_repays_load":
      return `The layers move: this saves ${describeGain(reason)} and pays off the loading of ${megabytes(reason.bytesToLoad)} after ${reason.repaidAfterTokens} tokens.`;
    default:
      return reason satisfies never;
  }
}

/** "5.00 ms of 24.0 ms per token". */
export function describeGain(gain: { readonly gainMs: number; readonly currentMs: number }) {
  return `${milliseconds(gain.gainMs)} of ${milliseconds(gain.currentMs)} per token`;
}
