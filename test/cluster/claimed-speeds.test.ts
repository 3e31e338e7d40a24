/** A member's claim of its speed counts within limits until it has served laps. */
import { describe, expect, test } from "vitest";
import { LapCorrections } from "../../src/cluster/planning/lap-corrections.ts";
import { layerLimits } from "../../src/cluster/planning/layer-limits.ts";
import { costOf, problemOf } from "../../src/cluster/planning/room-problem.ts";
import { isFound, solve } from "../../src/placement/index.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { Measurements, Member } from "../../src/shared/member.ts";
import type { RoomState } from "../../src/shared/state.ts";
import { A, B, next, placement } from "../../tools/room/sample-events.ts";
import { emptyRoom } from "../../src/shared/apply.ts";
import { CODE, MODEL_URL, modelSummary, profile } from "../../tools/room/test-data.ts";
import { withRoom } from "../../tools/room/test-room.ts";

/** A software adapter of 500 MAC per us and a GPU 100 times as fast, as measured on both. */
const SOFTWARE: Partial<Measurements> = { matVecMacsPerMs: 5e5, copyBytesPerMs: 1e6 };
const GPU: Partial<Measurements> = { matVecMacsPerMs: 5e7, copyBytesPerMs: 1e8, dispatchMs: 0.005 };
const LIE: Partial<Measurements> = {
  matVecMacsPerMs: 1e12,
  matMulMacsPerMs: 1e12,
  copyBytesPerMs: 1e12,
  dispatchMs: 0,
  readbackMs: 0,
};
/** 24 layers of 4 million multiply-accumulates. */
const model = modelSummary({
  layers: Array.from({ length: 24 }, () => ({ weightBytes: 100, kvBytesPerToken: 0, macs: 4e6 })),
  embedBytes: 10,
  headBytes: 10,
  headMacs: 1e6,
});

function member(id: string, measurements: Partial<Measurements>, software = true): Member {
  const base = profile(id);
  return {
    ...base,
    adapter: { ...base.adapter!, software },
    measurements: { ...base.measurements!, ...measurements },
  };
}

/** Members with fast links among them; the model is on `stages`, if given. */
function roomOf(members: readonly Member[], stages?: RoomState["placement"]): RoomState {
  const state = { ...emptyRoom(CODE, A), members: [...members], models: [model] };
  const links = members.flatMap(({ id: from }) =>
    members
      .filter(({ id }) => id !== from)
      .map(({ id: to }) => ({
        from,
        to,
        ...{ roundTripMs: 0.5, bytesPerMs: 1e5, payloadBytes: 96, measuredAtMs: 0 },
      })),
  );
  return { ...state, links, placement: stages ?? null };
}

/** How many layers each member gets. */
function solved(state: RoomState): Record<string, number> {
  const answer = solve(problemOf(state, model).problem, { deadlineMs: 1000, now: () => 0 });
  if (!isFound(answer)) throw new Error(answer.kind);
  return Object.fromEntries(answer.stages.map(({ member, first, end }) => [member, end - first]));
}

const on = (id: MemberId) => ({
  ...placement,
  model,
  ready: true,
  stages: [{ member: id, first: 0, end: 24 }],
});
const C = MemberId.parse("c");
const withLaps = (each: Member): Member => ({ ...each, costRatio: 1 });

describe("a liar among two machines, of which one holds the model", () => {
  const honest = [member("a", SOFTWARE), member("b", SOFTWARE)];

  test("gets an equal share, and neither more layers nor all of them", () => {
    const state = roomOf([...honest, member("c", LIE, false)], on(A));
    expect([...layerLimits(state, model)]).toEqual([[C, 8]]);
    expect(solved(state)[C]).toBeLessThanOrEqual(8);
    expect(solved(state)[A]).toBeGreaterThanOrEqual(8);
  });

  test("loses its layers once its laps show its speed", () => {
    const stages = [
      { member: A, first: 0, end: 16 },
      { member: C, first: 16, end: 24 },
    ];
    const placed = { ...on(A), stages };
    let state = roomOf([...honest.map(withLaps), member("c", LIE, false)], placed);
    // It is in fact half as fast as the others.
    const { shares } = costOf(problemOf(state, model).problem, [{ member: A, first: 16, end: 24 }]);
    const ms = 2 * shares[0]!.computeMs + 0.1;
    const laps = { placement: placed.id, computeMs: Array.from({ length: 8 }, () => ms) };
    for (const event of new LapCorrections().take(state, C, laps)) state = next(state, event);
    expect([...layerLimits(state, model)]).toEqual([]);
    expect(solved(state)[C]).toBeUndefined();
  });

  test("that claims what the others have shown gets no advantage, and no limit", () => {
    const state = roomOf([...honest, member("c", SOFTWARE)], on(A));
    expect([...layerLimits(state, model)]).toEqual([]);
  });
});

describe("a GPU 100 times as fast as what holds the model", () => {
  test("gets a share at once, and all layers after its laps", () => {
    const gpu = member("b", GPU, false);
    expect(solved(roomOf([member("a", SOFTWARE), gpu], on(A)))).toEqual({ a: 12, b: 12 });
    expect(solved(roomOf([member("a", SOFTWARE), withLaps(gpu)], on(A)))).toEqual({ b: 24 });
  });

  test("gets all layers where nobody has shown anything", () => {
    expect(solved(roomOf([member("a", SOFTWARE), member("b", GPU, false)]))).toEqual({ b: 24 });
  });

  test("keeps what it holds when it is measured again", () => {
    const state = roomOf([member("a", SOFTWARE), member("b", GPU, false)], on(B));
    expect([...layerLimits(state, model)]).toEqual([]);
  });
});

test("a claim counts at most as the best hardware of its class", () => {
  const layerMs = (each: Member) => problemOf(roomOf([each]), model).problem.members[0]!.layerMs[0];
  const best: Partial<Measurements> = {
    ...{ matVecMacsPerMs: 2e10, matMulMacsPerMs: 1e12, copyBytesPerMs: 1e10 },
    ...{ dispatchMs: 2e-4, readbackMs: 0.01 },
  };
  expect(layerMs(member("a", LIE, false))).toBe(layerMs(member("a", best, false)));
  expect(layerMs(member("a", LIE))).toBeGreaterThan(layerMs(member("a", LIE, false))!);
});

test("limits give way where the model fits in no other way", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a", { memoryBytes: 3_700 });
    await room.add("b", { memoryBytes: 3_700 });
    await client.place({ model: MODEL_URL });
    const lie = member("c", LIE, false);
    const { adapter, measurements } = lie;
    const claimed = {
      ...measurements!,
      memoryBudgetBytes: profile("c").measurements!.memoryBudgetBytes,
    };
    await room.add("c", { change: { adapter, measurements: claimed } });
    // Without a and b, only c holds all six layers.
    room.tabs.get(B)!.crash();
    await room.until(
      ({ placement }) =>
        placement?.ready === true &&
        placement.error === null &&
        placement.stages.every(({ member }) => member !== B),
      "the others to take over",
    );
    expect(client.state.placement?.stages.map(({ member }) => member)).toContain("c");
  });
});

test("what a newcomer says about its laps, or about being pinned, does not count", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a");
    await room.add("c", { change: { costRatio: 0.001, use: "pin" } });
    expect(client.state.members[1]).not.toHaveProperty("costRatio");
    expect(client.state.members[1]).not.toHaveProperty("use");
  });
});
