/**
 * Rooms whose members join, leave, slow down, and are chosen by people: the layers
 * move when that saves time or is necessary, and every decision is recorded.
 */
import { describe, expect, test } from "vitest";
import type { Planner } from "../../src/cluster/parts.ts";
import { costOf, problemOf } from "../../src/cluster/planning/room-problem.ts";
import type { RoomClient } from "../../src/cluster/room-client.ts";
import type { DecisionReason } from "../../src/shared/decision.ts";
import type { MemberId } from "../../src/shared/ids.ts";
import { DEFAULT_PLACEMENT_RULES } from "../../src/shared/placement-rules.ts";
import { DEFAULT_SETTINGS, type RoomState } from "../../src/shared/state.ts";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { deviceState, MODEL_URL, profile } from "../../tools/room/test-data.ts";
import { codes, planner } from "../../tools/room/test-host.ts";
import { ask, collect, type Tab, until, withRoom } from "../../tools/room/test-room.ts";

/** Measurements that are slower than the others by this factor. */
function paced(name: string, slower: number) {
  const { measurements } = profile(name);
  const numbers = measurements!;
  return {
    measurements: {
      ...numbers,
      matVecMacsPerMs: numbers.matVecMacsPerMs / slower,
      dispatchMs: numbers.dispatchMs * slower,
    },
  };
}

/** Reports laps of this tab's stage that are as fast as it claims. */
async function serveLaps({ client }: Pick<Tab, "client">): Promise<void> {
  const { placement } = client.state;
  const { model, stages, id } = placement!;
  const { problem } = problemOf(client.state, model);
  const share = costOf(problem, stages).shares.find(({ member }) => member === client.self)!;
  const computeMs = Array.from({ length: 8 }, () => share.computeMs + share.stageMs);
  await client.dispatch({ type: "report_laps", placement: id, computeMs });
}

const decided = (kind: DecisionReason["kind"]) => (state: RoomState) =>
  state.lastDecision?.reason.kind === kind;
const changed = (member: MemberId, change: string) => ({
  kind: "changes",
  changes: [{ kind: "member", member, change }],
});
const runsOn = (id: string) => (state: RoomState) =>
  state.placement?.ready === true && state.placement.stages.every(({ member }) => member === id);
const never = { settleMs: 30, cooldownMs: 0 };

describe("a member joins", () => {
  test("that is much faster: it gets a share, and after its laps the rest, with what that saves", async () => {
    await withRoom(async (room) => {
      const slow = await room.add("slow", { change: paced("slow", 10), timings: never });
      await slow.client.place({ model: MODEL_URL });
      expect(slow.client.state.lastDecision).toMatchObject({
        outcome: "placed",
        trigger: { kind: "person" },
        reason: { kind: "solved", choice: { kind: "proven_optimal" } },
      });
      const fast = await room.add("fast");
      const moved = (change: string) => ({
        outcome: "moved",
        trigger: changed(fast.id, change),
        reason: { kind: "cost", move: { kind: "gain_repays_load" } },
      });
      await room.until(
        ({ placement }) => placement?.ready === true && placement.stages.length === 2,
        "half of the layers to move",
      );
      expect(slow.client.state.lastDecision).toMatchObject(moved("joined"));
      expect(slow.client.state.lastDecision?.gainMs).toBeGreaterThan(1);
      await serveLaps(fast);
      await room.until(runsOn("fast"), "the rest to move");
      expect(slow.client.state.lastDecision).toMatchObject(moved("proved_speed"));
    });
  });

  test("that would save a little: the layers stay, and the decision says so", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a");
      await client.place({ model: MODEL_URL });
      const before = client.state.placement?.id;
      const b = await room.add("b", { change: paced("b", 0.95) });
      await room.until(decided("cost"), "the decision");
      expect(client.state.placement?.id).toBe(before);
      expect(client.state.lastDecision).toMatchObject({
        outcome: "stays",
        trigger: changed(b.id, "joined"),
        reason: { move: { kind: "gain_below_threshold", minGainFraction: 0.15 } },
      });
    });
  });

  test("while an answer is written: it continues on the new member, token for token", async () => {
    await withRoom(async (room) => {
      const requester = await room.add("requester", { observes: true, timings: never });
      await room.add("slow", { change: paced("slow", 10), stepMs: 10 });
      await requester.client.place({ model: MODEL_URL });
      const answer = collect(requester.client.ask(ask("ON", { maxTokens: 60 })));
      await room.until(({ generations }) => generations[0]?.status === "running", "the answer");
      await room.add("fast");
      const { tokens, events } = await answer;
      expect(events.map(({ kind }) => kind)).toContain("interrupted");
      expect(tokens).toEqual(await referenceAnswer([...codes("ON")], 60));
      const { placement } = requester.client.state;
      expect(placement?.stages.map(({ member }) => member)).toContain("fast");
    });
  });
});

describe("stages that a person chose", () => {
  test("stay, though the solver's would be faster", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("slow", { change: paced("slow", 10), timings: never });
      const stages = [{ member: client.self, first: 0, end: 6 }];
      await client.place({ model: MODEL_URL, stages });
      await room.add("fast");
      await room.until(decided("manual_kept"), "the decision");
      expect(client.state.lastDecision?.gainMs).toBeGreaterThan(0);
      expect(client.state.placement?.stages).toEqual(stages);
    });
  });

  test.each(["latency", "throughput"] as const)(
    "the decision says whether its times, compared for %s, are of one token",
    async (objective) => {
      await withRoom(async (room) => {
        const { client } = await room.add("slow", { change: paced("slow", 10), timings: never });
        const placementRules = { ...DEFAULT_PLACEMENT_RULES, objective };
        const settings = { ...DEFAULT_SETTINGS, placementRules };
        await client.dispatch({ type: "change_settings", settings });
        const stages = [{ member: client.self, first: 0, end: 6 }];
        await client.place({ model: MODEL_URL, stages });
        await room.add("fast");
        await room.until(decided("manual_kept"), "the decision");
        expect(client.state.lastDecision?.isTokenTime).toBe(objective === "latency");
      });
    },
  );

  test("are not replaced by a solve that began before they were chosen", async () => {
    await withRoom(async (room) => {
      let release = () => undefined as void;
      const released = new Promise<void>((resolve) => (release = resolve));
      let asked = 0;
      const slow: Planner = {
        ...planner,
        async solve(problem, options) {
          asked += 1;
          await released;
          return planner.solve(problem, options);
        },
      };
      const { client } = await room.add("a", { planner: slow, timings: never });
      const b = await room.add("b", { change: paced("b", 10) });
      const model = await client.addModel(MODEL_URL);
      const solved = client.place({ model: model.name });
      await until(() => asked > 0, "the solver to be asked");
      const stages = [{ member: b.id, first: 0, end: 6 }];
      const chosen = client.place({ model: model.name, stages });
      release();
      await Promise.all([solved, chosen]);
      expect(client.state.placement).toMatchObject({ stages, predictedMs: null, ready: true });
      expect(client.state.lastDecision?.reason).toEqual({ kind: "manual" });
    });
  });

  test("do not stay on a member that is excluded afterwards", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a", { timings: never });
      await room.add("b");
      await client.place({
        model: MODEL_URL,
        stages: [{ member: client.self, first: 0, end: 6 }],
      });
      await client.dispatch({ type: "choose_member", member: client.self, use: "exclude" });
      await room.until(runsOn("b"), "the layers to leave");
      expect(client.state.lastDecision).toMatchObject({
        trigger: changed(client.self, "excluded"),
        reason: {
          kind: "rules_violated",
          brokenRules: [{ member: client.self, breach: { kind: "excluded" } }],
        },
      });
    });
  });
});

describe("a member slows down", () => {
  async function slowable(act: (room: SlowRoom) => Promise<void>): Promise<void> {
    await withRoom(async (room) => {
      // The coordinator observes, and nobody's own telemetry comes in between.
      const { client } = await room.add("front", { observes: true, timings: never });
      await client.dispatch({
        type: "change_settings",
        settings: { ...DEFAULT_SETTINGS, telemetryIntervalMs: 60_000 },
      });
      const first = await room.add("a");
      const second = await room.add("b", { change: paced("b", 1.5) });
      await client.place({ model: MODEL_URL });
      await serveLaps(first);
      const report = (tab: typeof first, throttleRatio: number) =>
        tab.client.dispatch({
          type: "report_device_state",
          device: deviceState({ throttleRatio }),
        });
      await act({ room, client, slow: (ratio) => report(first, ratio), second: second.id });
    });
  }
  type SlowRoom = {
    room: Parameters<Parameters<typeof withRoom>[0]>[0];
    client: Pick<RoomClient, "state" | "subscribe">;
    slow: (throttleRatio: number) => Promise<unknown>;
    second: MemberId;
  };

  test("by much: its layers move; when it recovers they come back", async () => {
    await slowable(async ({ room, slow }) => {
      await room.until(runsOn("a"), "a to have it");
      await slow(2.4);
      await room.until(runsOn("b"), "b to have it");
      await slow(1);
      await room.until(runsOn("a"), "a to have it again");
    });
  });

  test("by as much as noise: only the real slowdown after it leads to a decision", async () => {
    await slowable(async ({ room, client, slow }) => {
      const before = client.state.lastDecision;
      const ratios: (number | null | undefined)[] = [];
      let last = before;
      client.subscribe(() => {
        const { lastDecision, members } = client.state;
        if (lastDecision === last) return;
        last = lastDecision;
        ratios.push(members[1]?.device?.throttleRatio);
      });
      for (const ratio of [1.4, 0.7]) {
        await slow(ratio);
        await room.until(
          ({ members }) => members[1]?.device?.throttleRatio === ratio,
          "the report",
        );
      }
      expect(client.state.lastDecision).toEqual(before);
      await slow(2.4);
      await room.until(runsOn("b"), "b to have it");
      expect(new Set(ratios)).toEqual(new Set([2.4]));
    });
  });
});

test("after a move there is a cooldown: moving back waits for its end", async () => {
  await withRoom(async (room) => {
    const timings = { settleMs: 20, cooldownMs: 700 };
    const { client } = await room.add("front", { observes: true, timings });
    await client.dispatch({
      type: "change_settings",
      settings: { ...DEFAULT_SETTINGS, telemetryIntervalMs: 60_000 },
    });
    const first = await room.add("a");
    await room.add("b", { change: paced("b", 1.5) });
    await client.place({ model: MODEL_URL });
    await serveLaps(first);
    const say = (throttleRatio: number) =>
      first.client.dispatch({
        type: "report_device_state",
        device: deviceState({ throttleRatio }),
      });
    await say(2.4);
    await room.until(runsOn("b"), "the first move");
    const moved = client.state.placement?.id;
    await say(1);
    await room.until(decided("cooldown"), "the cooldown");
    expect(client.state.placement?.id).toBe(moved);
    await room.until(runsOn("a"), "the move after the cooldown");
  });
});

describe("settings", () => {
  test("a rule that becomes hard moves the layers at once, in spite of the cooldown", async () => {
    await withRoom(async (room) => {
      const timings = { settleMs: 20, cooldownMs: 60_000 };
      const { client } = await room.add("front", { observes: true, timings });
      const battery = (use: "hard" | "off") =>
        client.dispatch({
          type: "change_settings",
          settings: {
            ...DEFAULT_SETTINGS,
            telemetryIntervalMs: 60_000,
            placementRules: { ...DEFAULT_PLACEMENT_RULES, battery: use },
          },
        });
      await battery("off");
      const a = await room.add("a");
      await room.add("b", { change: paced("b", 10) });
      const low = deviceState({ batteryLevel: 0.05, batteryCharging: false });
      await a.client.dispatch({ type: "report_device_state", device: low });
      await client.place({ model: MODEL_URL });
      expect(runsOn("a")(client.state)).toBe(true);
      await battery("hard");
      await room.until(runsOn("b"), "b to have the layers");
      expect(client.state.lastDecision).toMatchObject({
        trigger: { kind: "changes", changes: [{ kind: "settings" }, { member: a.id }] },
        reason: {
          kind: "rules_violated",
          brokenRules: [{ member: a.id, breach: { kind: "low_battery", level: 0.05 } }],
        },
      });
    });
  });

  test.each([
    ["its", false],
    ["a new", true],
  ])("another context loads the same stages again, with %s coordinator", async (_name, isNew) => {
    await withRoom(async (room) => {
      const first = await room.add("first", { observes: true, timings: never });
      const { client } = await room.add("a", { timings: never });
      await client.place({ model: MODEL_URL });
      if (isNew) first.crash();
      await room.until(({ members }) => members.length === (isNew ? 1 : 2), "the members");
      const settings = { ...DEFAULT_SETTINGS, contextTokens: 128 };
      await client.dispatch({ type: "change_settings", settings });
      await room.until(
        ({ placement }) => placement?.ready === true && placement.contextTokens === 128,
        "the new context",
      );
      expect(client.state.lastDecision?.reason).toEqual({ kind: "settings_changed" });
    });
  });

  test("a rule that is off excludes no member", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("front", { observes: true });
      const a = await room.add("a");
      const low = deviceState({ batteryLevel: 0.05, batteryCharging: false });
      await a.client.dispatch({ type: "report_device_state", device: low });
      await room.until(({ members }) => members[1]?.device?.batteryLevel === 0.05, "the report");
      await expect(client.place({ model: MODEL_URL })).rejects.toMatchObject({
        failure: {
          reason: "not_placed",
          refusal: { brokenRules: [{ member: a.id, constraint: "battery", hard: true }] },
        },
      });
      const placementRules = { ...DEFAULT_PLACEMENT_RULES, battery: "off" as const };
      const settings = { ...DEFAULT_SETTINGS, placementRules };
      await client.dispatch({ type: "change_settings", settings });
      await client.place({ model: MODEL_URL });
      expect(runsOn("a")(client.state)).toBe(true);
    });
  });
});

describe("a member that heats up", () => {
  test("its layers move before it is slow, and the decision says why", async () => {
    await withRoom(async (room) => {
      const warm = await room.add("warm", { timings: never });
      await warm.client.place({ model: MODEL_URL });
      await serveLaps(warm);
      const cool = await room.add("cool", { change: paced("cool", 1.2) });
      await room.until(decided("cost"), "the decision about the newcomer");
      expect(warm.client.state.lastDecision?.outcome).toBe("stays");
      const forecast = { ratio: 1.2, limit: 2.9, timeConstantMs: 20_000 };
      const device = deviceState({ throttleRatio: 1.2, forecast });
      await warm.client.dispatch({ type: "report_device_state", device });
      await room.until(
        ({ placement }) => placement!.stages.some(({ member }) => member === cool.id),
        "layers on the cool member",
      );
      expect(warm.client.state.lastDecision).toMatchObject({
        outcome: "moved",
        trigger: { changes: [{ member: warm.id, change: "slows_soon" }] },
      });
    });
  });
});
