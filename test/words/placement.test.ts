/** The sentences about placements: one for each kind of reason. */
import { expect, test } from "vitest";
import { MemberId } from "../../src/shared/ids.ts";
import type {
  Breach,
  Choice,
  MoveReason,
  Refusal,
  Remedy,
  UnknownCause,
  Violation,
} from "../../src/shared/placement-reasons.ts";
import { describeBrokenRule, describeChoice, describeMove } from "../../src/words/placement.ts";
import {
  describeRefusal,
  describeRemedy,
  describeUnknown,
  describeViolation,
} from "../../src/words/index.ts";

const member = MemberId.parse("p1");
const other = MemberId.parse("d1");
const nameOf = (id: MemberId) => (id === member ? "Phone" : "Desk");

test.each<[Breach, string]>([
  [
    { kind: "missing_features", features: ["shader-f16"], quantization: "F16" },
    "Phone lacks shader-f16, which F16 weights need",
  ],
  [
    { kind: "low_battery", level: 0.05, limit: 0.15 },
    "Phone has 5% of its battery left; the limit is 15%",
  ],
  [{ kind: "under_pressure", pressure: "critical" }, "Phone reports critical compute pressure"],
  [
    { kind: "throttled", ratio: 3.24, limit: 3 },
    "Phone is 3.2 times slower than normal; the limit is 3.0",
  ],
  [
    { kind: "throttles_soon", ratio: 3.52, limit: 3, inMs: 41_300 },
    "Phone is slowing down towards 3.5 times its normal step time, and will reach the limit of 3.0 in 42 s",
  ],
  [{ kind: "hidden_tab" }, "Phone is a hidden tab"],
  [{ kind: "excluded" }, "Phone is excluded"],
  [
    { kind: "failed", count: 2, cause: { reason: "stage_silent", member } },
    "Phone failed 2 times in a row (The tab of Phone answers, but its stage does not); choose “Always use” to try it again",
  ],
])("breach $kind", (breach, sentence) => {
  const rule = { member, constraint: "battery", hard: true, breach } as const;
  expect(describeBrokenRule(rule, nameOf)).toBe(sentence);
});

test.each<[Violation, string]>([
  [
    { kind: "gap_or_overlap", member, first: 4, expectedFirst: 3 },
    "Phone starts at layer 4 instead of layer 3",
  ],
  [{ kind: "no_layers", member }, "Phone has a stage without layers"],
  [{ kind: "two_stages", member }, "Phone has two stages"],
  [
    { kind: "wrong_layer_count", end: 5, layers: 6 },
    "The stages end at layer 5, but the model has 6 layers",
  ],
  [{ kind: "too_many_stages", stages: 3, maxStages: 2 }, "There are 3 stages; the limit is 2"],
  [{ kind: "unknown_member", member }, "Phone is not in the room"],
  [{ kind: "excluded", member }, "Phone is excluded"],
  [
    { kind: "memory", member, shortBytes: 2800 },
    "Phone is 2,800 bytes short of memory for its layers",
  ],
  [
    { kind: "binding", member, shortBytes: 10 },
    "Phone cannot bind a tensor that is 10 bytes too large for its GPU",
  ],
  [{ kind: "pinned_to_other_layers", member, first: 0, end: 6 }, "Phone is pinned to layers 0–5"],
  [{ kind: "pinned_but_unused", member }, "Phone is pinned but has no stage"],
  [{ kind: "unreachable", member, to: other }, "Phone has no link to Desk"],
  [
    { kind: "too_slow", costMs: 1200, maxCostMs: 1000 },
    "A token takes 1.20 s; the limit is 1.00 s",
  ],
])("violation $kind", (violation, sentence) => {
  expect(describeViolation(violation, nameOf)).toBe(sentence);
});

test.each<[Remedy, string]>([
  [{ kind: "add_member", freeBytes: 2 ** 30 }, "one more member with 1.0 GiB of free memory"],
  [{ kind: "shrink_weights", byFraction: 0.305 }, "a file with 31% fewer bytes of weights"],
  [
    { kind: "shrink_cache", byFraction: 0.5 },
    "a context or a number of generations that is 50% smaller",
  ],
  [
    { kind: "add_links", links: [{ from: member, to: other }], missing: 3 },
    "a link from Phone to Desk, or one of 2 others",
  ],
  [{ kind: "raise_max_stages", maxStages: 1 }, "a limit of more than 1 stage"],
  [{ kind: "unpin", members: [member, other] }, "unpinning Phone and Desk"],
  [{ kind: "include", members: [member] }, "no longer excluding Phone"],
  [
    { kind: "larger_bindings" },
    "members that can bind larger buffers, or a file with smaller tensors",
  ],
  [
    { kind: "raise_max_cost", bestMs: 12.5 },
    "a limit above the 12.5 ms per token of the best placement",
  ],
  [{ kind: "faster_members_or_links" }, "a faster member or faster links"],
])("remedy $kind", (remedy, phrase) => {
  expect(describeRemedy(remedy, nameOf)).toBe(phrase);
});

test.each<[UnknownCause, string]>([
  [{ kind: "deadline" }, "No placement was found in time, and none was ruled out."],
  [
    { kind: "deadline_with_slow_placement", bestMs: 20 },
    "The best placement found in time takes 20.0 ms per token, which is over the limit.",
  ],
  [{ kind: "greedy_rules_failed" }, "The greedy rules found no placement; the exact search might."],
])("unknown because of $kind", (cause, sentence) => {
  expect(describeUnknown(cause)).toBe(sentence);
});

test.each<[Refusal, string]>([
  [
    { kind: "no_computing_member" },
    "No member of the room can compute. Open the room's page in a tab whose browser supports WebGPU.",
  ],
  [
    { kind: "unknown", model: "tiny", cause: { kind: "deadline" } },
    "tiny was not placed. No placement was found in time, and none was ruled out.",
  ],
  [
    {
      kind: "infeasible",
      model: "tiny",
      binds: "memory",
      shortBytes: 2800,
      remedies: [{ kind: "include", members: [member] }],
      brokenRules: [{ member, constraint: "excluded", hard: true, breach: { kind: "excluded" } }],
    },
    "tiny does not fit this room: 2,800 bytes short of memory. What would help: no longer excluding Phone. Phone is excluded, so it takes no layers.",
  ],
  [
    {
      kind: "infeasible",
      model: "tiny",
      binds: "speed",
      shortBytes: 0,
      remedies: [],
      brokenRules: [],
    },
    "tiny does not fit this room: no placement is as fast as the room requires.",
  ],
])("refusal $kind", (refusal, sentences) => {
  expect(describeRefusal(refusal, nameOf)).toBe(sentences);
});

test.each<[Choice, string]>([
  [{ kind: "proven_optimal" }, "The solver chose this placement and proved that none is better."],
  [{ kind: "best_found_in_time" }, "The solver chose this placement as the best found in time."],
  [
    { kind: "greedy", failure: { kind: "timeout", afterMs: 5000 } },
    "A greedy rule chose this placement because the solver did not answer within 5000 ms.",
  ],
  [
    { kind: "greedy", failure: { kind: "error", message: "out of memory" } },
    "A greedy rule chose this placement because the solver failed: out of memory.",
  ],
  [
    { kind: "greedy", failure: { kind: "unknown", cause: { kind: "deadline" } } },
    "A greedy rule chose this placement because the solver found no placement in time.",
  ],
])("choice $kind", (choice, sentence) => {
  expect(describeChoice(choice)).toBe(sentence);
});

const gain = { gainMs: 5, currentMs: 24 };
test.each<[MoveReason, string]>([
  [{ kind: "nothing_runs" }, "Nothing runs yet."],
  [
    { kind: "violates", violation: { kind: "excluded", member } },
    "The layers must move: Phone is excluded.",
  ],
  [{ kind: "already_best" }, "The current placement is still the best."],
  [
    { kind: "gain_below_threshold", ...gain, minGainFraction: 0.3 },
    "The layers stay: moving would save 5.00 ms of 24.0 ms per token, less than 30%.",
  ],
  [
    {
      kind: "load_not_repaid",
      ...gain,
      bytesToLoad: 8e8,
      repaidAfterTokens: 160,
      horizonTokens: 100,
    },
    "The layers stay: moving would save 5.00 ms of 24.0 ms per token, but loading 800 MB pays off only after 160 tokens; the limit is 100 tokens.",
  ],
  [
    { kind: "gain_repays_load", ...gain, bytesToLoad: 8e8, repaidAfterTokens: 16 },
    "The layers move: this saves 5.00 ms of 24.0 ms per token and pays off the loading of 800 MB after 16 tokens.",
  ],
])("move $kind", (reason, sentence) => {
  expect(describeMove(reason, nameOf)).toBe(sentence);
});
