/** Why a model is placed as it is, or cannot be placed: sentences for `shared/placement-reasons.ts`. */
import type {
  Breach,
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
import { causeIn } from "./failure.ts";
import {
  bytes,
  exactBytes,
  gibibytesNeeded,
  layerRange,
  listed,
  percent,
  plural,
  seconds,
  time,
} from "./quantities.ts";
import { describer, namelessDescriber, type NameOf } from "./sentences.ts";

/** "Phone has 5% of its battery left; the limit is 15%", without a full stop. */
export function describeBrokenRule({ member, breach }: BrokenRule, nameOf: NameOf): string {
  return `${nameOf(member)} ${describeBreach(breach, nameOf, causeIn(nameOf))}`;
}

const describeBreach = describer<Breach>({
  missing_features: ({ features, quantization }) =>
    `lacks ${listed(features)}, which ${quantization} weights need`,
  low_battery: ({ level, limit }) =>
    `has ${percent(level)} of its battery left; the limit is ${percent(limit)}`,
  under_pressure: ({ pressure }) => `reports ${pressure} compute pressure`,
  throttled: ({ ratio, limit }) =>
    `is ${ratio.toFixed(1)} times slower than normal; the limit is ${limit.toFixed(1)}`,
  throttles_soon: ({ ratio, limit, inMs }) =>
    `is slowing down towards ${ratio.toFixed(1)} times its normal step time, and will reach the limit of ${limit.toFixed(1)} in ${seconds(inMs)}`,
  hidden_tab: () => "is a hidden tab",
  excluded: () => "is excluded",
  failed: ({ count, cause }, _nameOf, describeCause) =>
    `failed ${plural(count, "time")} in a row (${describeCause(cause)}); choose “Always use” to try it again`,
});

/** Without a full stop. */
export const describeViolation = describer<Violation>({
  gap_or_overlap: ({ member, first, expectedFirst }, nameOf) =>
    `${nameOf(member)} starts at layer ${first} instead of layer ${expectedFirst}`,
  no_layers: ({ member }, nameOf) => `${nameOf(member)} has a stage without layers`,
  two_stages: ({ member }, nameOf) => `${nameOf(member)} has two stages`,
  wrong_layer_count: ({ end, layers }) =>
    `The stages end at layer ${end}, but the model has ${layers} layers`,
  too_many_stages: ({ stages, maxStages }) =>
    `There are ${stages} stages; the limit is ${maxStages}`,
  unknown_member: ({ member }, nameOf) => `${nameOf(member)} is not in the room`,
  excluded: ({ member }, nameOf) => `${nameOf(member)} is excluded`,
  memory: ({ member, shortBytes }, nameOf) =>
    `${nameOf(member)} is ${exactBytes(shortBytes)} short of memory for its layers`,
  binding: ({ member, shortBytes }, nameOf) =>
    `${nameOf(member)} cannot bind a tensor that is ${exactBytes(shortBytes)} too large for its GPU`,
  pinned_to_other_layers: ({ member, ...layers }, nameOf) =>
    `${nameOf(member)} is pinned to ${layerRange(layers)}`,
  pinned_but_unused: ({ member }, nameOf) => `${nameOf(member)} is pinned but has no stage`,
  unreachable: ({ member, to }, nameOf) => `${nameOf(member)} has no link to ${nameOf(to)}`,
  too_slow: ({ costMs, maxCostMs }) =>
    `A token takes ${time(costMs)}; the limit is ${time(maxCostMs)}`,
});

/** A noun phrase that continues "What would help: ". */
export const describeRemedy = describer<Remedy>({
  add_member: ({ freeBytes }) =>
    `one more member with ${gibibytesNeeded(freeBytes)} of free memory`,
  shrink_weights: ({ byFraction }) =>
    `a file with ${Math.ceil(byFraction * 100)}% fewer bytes of weights`,
  shrink_cache: ({ byFraction }) =>
    `a context or a number of generations that is ${Math.ceil(byFraction * 100)}% smaller`,
  add_links: ({ links, missing }, nameOf) => {
    const named = links.map(({ from, to }) => `from ${nameOf(from)} to ${nameOf(to)}`);
    const others = missing - links.length;
    return `a link ${named.join(", ")}${others > 0 ? `, or one of ${others} others` : ""}`;
  },
  raise_max_stages: ({ maxStages }) => `a limit of more than ${plural(maxStages, "stage")}`,
  unpin: ({ members }, nameOf) => `unpinning ${listed(members.map(nameOf))}`,
  include: ({ members }, nameOf) => `no longer excluding ${listed(members.map(nameOf))}`,
  larger_bindings: () => "members that can bind larger buffers, or a file with smaller tensors",
  raise_max_cost: ({ bestMs }) =>
    `a limit above the ${time(bestMs)} per token of the best placement`,
  faster_members_or_links: () => "a faster member or faster links",
});

/** A sentence. */
export const describeUnknown = namelessDescriber<UnknownCause>({
  deadline: () => "No placement was found in time, and none was ruled out.",
  deadline_with_slow_placement: ({ bestMs }) =>
    `The best placement found in time takes ${time(bestMs)} per token, which is over the limit.`,
  greedy_rules_failed: () => "The greedy rules found no placement; the exact search might.",
});

/** Sentences that say why a model is not placed and what would help. */
export const describeRefusal = describer<Refusal>({
  no_computing_member: () =>
    "No member of the room can compute. Open the room's page in a tab whose browser supports WebGPU.",
  unknown: ({ model, cause }) => `${model} was not placed. ${describeUnknown(cause)}`,
  infeasible: ({ model, binds, shortBytes, remedies, brokenRules }, nameOf) => {
    const short = shortBytes > 0 ? `${exactBytes(shortBytes)} short of memory` : UNSATISFIED[binds];
    const help = remedies.map((remedy) => describeRemedy(remedy, nameOf)).join("; ");
    return [
      `${model} does not fit this room: ${short}.`,
      ...(help === "" ? [] : [`What would help: ${help}.`]),
      ...brokenRules
        .filter(({ hard }) => hard)
        .map((rule) => `${describeBrokenRule(rule, nameOf)}, so it takes no layers.`),
    ].join(" ");
  },
});

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
export const describeChoice = namelessDescriber<Choice>({
  proven_optimal: () => "The solver chose this placement and proved that none is better.",
  best_found_in_time: () => "The solver chose this placement as the best found in time.",
  greedy: ({ failure }) =>
    `A greedy rule chose this placement because ${describeSolverFailure(failure)}.`,
});

const describeSolverFailure = namelessDescriber<SolverFailure>({
  timeout: ({ afterMs }) => `the solver did not answer within ${afterMs} ms`,
  error: ({ message }) => `the solver failed: ${message}`,
  unknown: () => "the solver found no placement in time",
});

/** A sentence about why a placement stays or gives way, by cost alone. */
export const describeMove = describer<MoveReason>({
  nothing_runs: () => "Nothing runs yet.",
  violates: ({ violation }, nameOf) =>
    `The layers must move: ${describeViolation(violation, nameOf)}.`,
  already_best: () => "The current placement is still the best.",
  gain_below_threshold: ({ minGainFraction, ...gain }) =>
    `The layers stay: moving would save ${describeGain(gain)}, less than ${percent(minGainFraction)}.`,
  load_not_repaid: ({ repaidAfterTokens: after, horizonTokens, bytesToLoad, ...gain }) => {
    const when = after === null ? "never pays off" : `pays off only after ${after} tokens`;
    return `The layers stay: moving would save ${describeGain(gain)}, but loading ${bytes(bytesToLoad)} ${when}; the limit is ${horizonTokens} tokens.`;
  },
  gain_repays_load: ({ bytesToLoad, repaidAfterTokens, ...gain }) =>
    `The layers move: this saves ${describeGain(gain)} and pays off the loading of ${bytes(bytesToLoad)} after ${repaidAfterTokens} tokens.`,
});

/** "5.00 ms of 24.0 ms per token". */
export function describeGain(gain: { readonly gainMs: number; readonly currentMs: number }) {
  return `${time(gain.gainMs)} of ${time(gain.currentMs)} per token`;
}
