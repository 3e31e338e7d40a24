/** Each constraint changes the answer when it is violated, and does not when it is off. */
import { describe, expect, test } from "vitest";
import { isFound } from "../../src/placement/problem/answer.ts";
import { CONSTRAINTS } from "../../src/placement/problem/constraints.ts";
import { roomProblem, type RoomFacts } from "../../src/placement/problem/room-problem.ts";
import { solve } from "../../src/placement/solver/solve.ts";
import type { PlacementRules } from "../../src/shared/placement-rules.ts";
import { HEALTHY, MODEL, room } from "./room.ts";

const place = (facts: RoomFacts) =>
  solve(roomProblem(facts, MODEL).problem, { deadlineMs: Infinity, now: () => 0 });
const membersOf = (facts: RoomFacts) => {
  const answer = place(facts);
  return isFound(answer) ? answer.stages.map(({ member }) => member).sort() : answer.kind;
};
const USUAL = ["desktop", "laptop"];
const WITHOUT_LAPTOP = ["desktop", "phone"];

test("every rule in the settings has a constraint", () => {
  expect(CONSTRAINTS.map(({ name }) => name).sort()).toEqual([
    "battery",
    "binding",
    "excluded",
    "maxStages",
    "memory",
    "pinned",
    "precision",
    "pressure",
    "reachable",
    "speed",
    "visibility",
  ]);
  expect(membersOf(room())).toEqual(USUAL);
});

/** Rooms in which the laptop breaks a constraint on its own. */
const LAPTOP_BREAKS: [string, (rules: Partial<PlacementRules>) => RoomFacts][] = [
  [
    "battery",
    (rules) =>
      room(
        { laptop: { device: { ...HEALTHY, batteryLevel: 0.05, batteryCharging: false } } },
        rules,
      ),
  ],
  [
    "pressure",
    (rules) => room({ laptop: { device: { ...HEALTHY, pressure: "critical" } } }, rules),
  ],
  ["visibility", (rules) => room({ laptop: { device: { ...HEALTHY, visible: false } } }, rules)],
  [
    "precision",
    (rules) =>
      room(
        { laptop: { adapter: { ...room().members[1]!.adapter!, features: [] } } },
        { precisionFeatures: ["shader-f16"], ...rules },
      ),
  ],
  ["excluded", (rules) => room({ laptop: { use: "exclude" } }, rules)],
];

describe.each(LAPTOP_BREAKS)("%s", (name, broken) => {
  test("hard: the member takes no shard, and the broken rule is listed", () => {
    const facts = broken({ [name]: "hard" });
    expect(membersOf(facts)).toEqual(WITHOUT_LAPTOP);
    expect(roomProblem(facts, MODEL).brokenRules).toMatchObject([
      { member: "laptop", constraint: name, hard: true },
    ]);
  });
  test("soft: it takes one only if the alternatives cost more than the penalty", () => {
    expect(membersOf(broken({ [name]: "soft", penaltyMs: 1000 }))).toEqual(WITHOUT_LAPTOP);
    expect(membersOf(broken({ [name]: "soft", penaltyMs: 0.01 }))).toEqual(USUAL);
  });
  test("off: it takes one like any other member", () => {
    const facts = broken({ [name]: "off" });
    expect(membersOf(facts)).toEqual(USUAL);
    expect(roomProblem(facts, MODEL).brokenRules).toEqual([]);
  });
});

test("a battery that charges or is full enough breaks no rule", () => {
  const charging = { ...HEALTHY, batteryLevel: 0.05, batteryCharging: true };
  expect(membersOf(room({ laptop: { device: charging } }))).toEqual(USUAL);
  const half = { ...HEALTHY, batteryLevel: 0.5, batteryCharging: false };
  expect(membersOf(room({ laptop: { device: half } }))).toEqual(USUAL);
});

test("throttling beyond the limit counts as pressure", () => {
  const throttled = { ...HEALTHY, throttleRatio: 1.6 };
  const rules = { pressure: "hard", throttleRatio: 1.5 } as const;
  expect(membersOf(room({ laptop: { device: throttled } }, rules))).toEqual(WITHOUT_LAPTOP);
});

test("so does throttling that is forecast within a minute", () => {
  const forecast = { ratio: 1.2, limit: 2, timeConstantMs: 60_000 };
  const heating = { ...HEALTHY, throttleRatio: 1.2, forecast };
  const rules = { pressure: "hard", throttleRatio: 1.5 } as const;
  const facts = room({ laptop: { device: heating } }, rules);
  expect(membersOf(facts)).toEqual(WITHOUT_LAPTOP);
  expect(roomProblem(facts, MODEL).brokenRules[0]?.breach).toMatchObject({
    kind: "throttles_soon",
    ratio: 2,
    limit: 1.5,
  });
  const slow = { ...heating, forecast: { ...forecast, timeConstantMs: 600_000 } };
  expect(membersOf(room({ laptop: { device: slow } }, rules))).toEqual(USUAL);
});

test("memory: hard, it needs two members; off, one holds everything", () => {
  expect(membersOf(room({}, { memory: "off" }))).toEqual(["desktop"]);
});

test("binding: a GPU that cannot bind the largest tensor takes no layer", () => {
  const small = { ...room().members[1]!.adapter!, maxStorageBindingBytes: 10_000_000 };
  expect(membersOf(room({ laptop: { adapter: small } }))).toEqual(WITHOUT_LAPTOP);
  expect(membersOf(room({ laptop: { adapter: small } }, { binding: "off" }))).toEqual(USUAL);
});

test("reachable: without the closing link there is no pipeline of two; off, it is only slow", () => {
  const facts = room();
  const missing = { ...facts, links: facts.links.filter(({ from }) => from !== "laptop") };
  expect(membersOf(missing)).toEqual(WITHOUT_LAPTOP);
  const none = { ...facts, links: [] };
  const answer = place(none);
  expect(answer).toMatchObject({ kind: "infeasible", binds: "reachable" });
  expect(membersOf({ ...room({}, { reachable: "off" }), links: [] })).toEqual(USUAL);
});

test("reachable: soft, a missing link is slow and costs the penalty", () => {
  const cost = (rules: Partial<PlacementRules>) => {
    const answer = place({ ...room({}, rules), links: [] });
    return isFound(answer) ? answer.costMs : NaN;
  };
  const off = cost({ reachable: "off" });
  // Two stages have two hops, there and back.
  expect(cost({ reachable: "soft", penaltyMs: 7 }) - off).toBeCloseTo(14, 6);
});

test("pinned: a member that people pinned takes part; off, it need not", () => {
  expect(membersOf(room({ phone: { use: "pin" } }))).toContain("phone");
  expect(membersOf(room({ phone: { use: "pin" } }, { pinned: "off" }))).toEqual(USUAL);
});

test("maxStages: one stage is not enough here, and maxStages binds", () => {
  const answer = place(room({}, { maxStages: "hard", maxStageCount: 1 }));
  expect(answer).toMatchObject({ kind: "infeasible", binds: "maxStages" });
  expect(membersOf(room({}, { maxStages: "off", maxStageCount: 1 }))).toEqual(USUAL);
});

test("speed: a minimum that no placement reaches makes the problem infeasible", () => {
  const answer = place(room({}, { speed: "hard", minTokensPerSecond: 1000 }));
  expect(answer).toMatchObject({ kind: "infeasible", binds: "speed" });
  expect(membersOf(room({}, { speed: "hard", minTokensPerSecond: 1 }))).toEqual(USUAL);
});
