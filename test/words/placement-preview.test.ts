/** The lines that explain a candidate placement. */
import { expect, test } from "vitest";
import type { ExplainedShare, LeftOut } from "../../src/placement/explain/explain.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { CandidateOrigin } from "../../src/shared/placement-reasons.ts";
import {
  describeCost,
  describeExcess,
  describeLeftOut,
  describeProof,
  describeRuleEffect,
  describeShares,
  labelCandidate,
} from "../../src/words/index.ts";

const member = MemberId.parse("p1");
const nameOf = (id: MemberId) => (id === member ? "Phone" : "Desk");

test("the cost of a pipeline names its parts and its throughput; a single member has no hops", () => {
  const parts = { computeMs: 37.6, stageMs: 1.5, hopMs: 2.164 };
  expect(describeCost(parts, 2, 40)).toEqual([
    "One token: 37.6 ms of computation, 1.50 ms of overhead, 2.16 ms between members.",
    "Many answers at once: up to 40.0 tokens/s in total.",
  ]);
  expect(describeCost(parts, 1, 25)).toEqual([
    "One token: 37.6 ms of computation, 1.50 ms of overhead.",
  ]);
});

const share = (binds: ExplainedShare["binds"], first: number, end: number) => ({
  member,
  first,
  end,
  computeMs: 3,
  stageMs: 1,
  hopMs: 2,
  binds,
});

test("each share says its layers, its time, the hop after it, and its limit", () => {
  expect(describeShares([share("memory", 0, 1), share("cost", 1, 6)], true, nameOf)).toEqual([
    "Phone has layer 0: 4.00 ms, then 2.00 ms to the next. It is full: one more layer does not fit in its memory.",
    "Phone has layers 1–5: 4.00 ms, then 2.00 ms back to the first. It could hold more, but that would save nothing.",
  ]);
  expect(describeShares([share("all_layers", 0, 6)], true, nameOf)).toEqual([
    "Phone has layers 0–5: 4.00 ms. It runs every layer.",
  ]);
  expect(describeShares([share("cost", 0, 6)], false, nameOf)[0]).toMatch(/It could hold more\.$/);
});

test.each<[LeftOut, string]>([
  [
    { kind: "costs_more", member, costMs: 52.9, extraMs: 11.64, isProven: true },
    "Including Phone would cost 11.6 ms more per token (52.9 ms in total).",
  ],
  [
    { kind: "costs_more", member, costMs: 52.9, extraMs: 11.64, isProven: false },
    "Including Phone would cost about 11.6 ms more per token (52.9 ms in total).",
  ],
  [{ kind: "excluded", member }, "Phone has no layers: it is excluded."],
  [{ kind: "impossible", member }, "Phone has no layers: no placement can include it."],
  [{ kind: "fits_nowhere_here", member }, "Phone has no layers: it fits nowhere in this pipeline."],
  [
    { kind: "not_found_in_time", member },
    "Phone has no layers: no placement with it was found in time.",
  ],
])("left out: $kind", (leftOut, sentence) => {
  expect(describeLeftOut(leftOut, nameOf)).toBe(sentence);
});

test("a hard rule keeps a member out, a soft one adds a penalty", () => {
  const rule = { member, constraint: "visibility", breach: { kind: "hidden_tab" } } as const;
  expect(describeRuleEffect({ ...rule, hard: true }, nameOf)).toBe(
    "Phone is a hidden tab, so it takes no layers.",
  );
  expect(describeRuleEffect({ ...rule, hard: false }, nameOf)).toBe(
    "Phone is a hidden tab; the cost of using it includes a penalty.",
  );
});

test("the other lines", () => {
  expect(describeProof(true, 3)).toBe(
    "No other placement is better for the room's objective (proven).",
  );
  expect(describeProof(false, 100)).toBe("This is the best placement found in 100 ms.");
  expect(describeExcess(2800)).toBe("2,800 bytes more than this member has");
});

const front = (point: number): CandidateOrigin => ({ kind: "pareto_front", point, points: 3 });
test.each<[string, CandidateOrigin[], string]>([
  ["latency", [{ kind: "solver" }, { kind: "current" }], "Fastest answer"],
  ["throughput", [{ kind: "solver" }], "Most answers at once"],
  ["latency", [front(3)], "Most answers at once"],
  ["latency", [front(1)], "Fastest answer, alternative"],
  ["latency", [{ kind: "current" }], "Current placement"],
  ["latency", [front(2)], "Balance of speed and capacity"],
  ["latency", [{ kind: "runner_up", rank: 2 }], "Runner-up 2"],
  ["latency", [{ kind: "greedy" }], "Greedy rule"],
  ["latency", [{ kind: "single_member", member }], "Phone alone"],
])("with the objective %s, %j is labeled %s", (objective, origins, label) => {
  expect(labelCandidate(origins, objective as "latency" | "throughput", nameOf)).toBe(label);
});
