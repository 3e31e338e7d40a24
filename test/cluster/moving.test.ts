/**
 * Rooms whose members come, go, slow down and are chosen by people: the layers
 * move when that pays or must be, and every decision is told either way.
 */
import { describe, expect, test } from "vitest";
import type { MemberId } from "../../src/shared/ids.ts";
import { DEFAULT_PLACEMENT_RULES } from "../../src/shared/placement-rules.ts";
import { DEFAULT_SETTINGS, type RoomState } from "../../src/shared/state.ts";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import {
  ask,
  codes,
  collect,
  deviceState,
  MODEL_URL,
  profile,
  withRoom,
} from "../../tools/room/test-room.ts";

/** A probe that says so many times slower (or faster) than the others. */
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

const decided = (pattern: RegExp) => (state: RoomState) =>
  state.lastDecision !== null && pattern.test(state.lastDecision.reason);
const runsOn = (id: string) => (state: RoomState) =>
  state.placement?.ready === true && state.placement.stages.every(({ member }) => member === id);
const never = { settleMs: 30, restMs: 0 };

describe("a member joins", () => {
  test("that is much faster: the layers move, and it says what that gains", async () => {
    await withRoom(async (room) => {
      const slow = await room.add("slow", { change: paced("slow", 10), timings: never });
      await slow.client.place({ model: MODEL_URL });
      expect(slow.client.state.lastDecision).toMatchObject({
        outcome: "placed",
        trigger: "A person",
      });
      await room.add("fast");
      await room.until(runsOn("fast"), "the layers to move");
      const { lastDecision } = slow.client.state;
      expect(lastDecision).toMatchObject({ outcome: "moved", trigger: "Tab fast joined" });
      expect(lastDecision?.reason).toMatch(/The layers move: this saves .* ms .* pays off the loading/);
      expect(lastDecision?.gainMs).toBeGreaterThan(1);
    });
  });

  test("that would gain a little: it stays, and says so", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a");
      await client.place({ model: MODEL_URL });
      const before = client.state.placement?.id;
      await room.add("b", { change: paced("b", 0.95) });
      await room.until(decided(/The layers stay: moving would save .* less than 15%/), "the decision");
      expect(client.state.placement?.id).toBe(before);
      expect(client.state.lastDecision).toMatchObject({
        outcome: "stays",
        trigger: "Tab b joined",
      });
    });
  });

  test("while an answer is written: it goes on there, token for token", async () => {
    await withRoom(async (room) => {
      const asker = await room.add("asker", { observes: true, timings: never });
      await room.add("slow", { change: paced("slow", 10), stepMs: 10 });
      await asker.client.place({ model: MODEL_URL });
      const answer = collect(asker.client.ask(ask("ON", { maxTokens: 60 })));
      await room.until(({ generations }) => generations[0]?.status === "running", "the answer");
      await room.add("fast");
      const { tokens, events } = await answer;
      expect(events.map(({ kind }) => kind)).toContain("interrupted");
      expect(tokens).toEqual(await referenceAnswer([...codes("ON")], 60));
      expect(runsOn("fast")(asker.client.state)).toBe(true);
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
      await room.until(decided(/chosen by hand.*would gain/), "the decision");
      expect(client.state.placement?.stages).toEqual(stages);
    });
  });

  test.each(["latency", "throughput"] as const)(
    "times that are weighed for %s are said to be what they are",
    async (objective) => {
      await withRoom(async (room) => {
        const { client } = await room.add("slow", { change: paced("slow", 10), timings: never });
        const placementRules = { ...DEFAULT_PLACEMENT_RULES, objective };
        const settings = { ...DEFAULT_SETTINGS, placementRules };
        await client.dispatch({ type: "change_settings", settings });
        const stages = [{ member: client.self, first: 0, end: 6 }];
        await client.place({ model: MODEL_URL, stages });
        await room.add("fast");
        await room.until(decided(/would gain/), "the decision");
        const { reason } = client.state.lastDecision!;
        expect(/not the time of one token/.test(reason)).toBe(objective === "throughput");
      });
    },
  );

  test("but not on a member that is excluded afterwards", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a", { timings: never });
      await room.add("b");
      await client.place({
        model: MODEL_URL,
        stages: [{ member: client.self, first: 0, end: 6 }],
      });
      await client.dispatch({ type: "choose_member", member: client.self, use: "exclude" });
      await room.until(runsOn("b"), "the layers to leave");
      expect(client.state.lastDecision?.trigger).toBe("Tab a was excluded");
      expect(client.state.lastDecision?.reason).toBe("It must move: a is excluded.");
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
    client: { readonly state: RoomState };
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

  test("by as much as noise: nothing is even weighed", async () => {
    await slowable(async ({ room, client, slow }) => {
      const before = client.state.lastDecision;
      await slow(1.4);
      await slow(0.7);
      await room.until(({ members }) => members[1]?.device?.throttleRatio === 0.7, "the report");
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(client.state.lastDecision).toEqual(before);
    });
  });
});

test("after a move the room rests: to and fro becomes one move, and a later one", async () => {
  await withRoom(async (room) => {
    const timings = { settleMs: 20, restMs: 700 };
    const { client } = await room.add("front", { observes: true, timings });
    await client.dispatch({
      type: "change_settings",
      settings: { ...DEFAULT_SETTINGS, telemetryIntervalMs: 60_000 },
    });
    const first = await room.add("a");
    await room.add("b", { change: paced("b", 1.5) });
    await client.place({ model: MODEL_URL });
    const say = (throttleRatio: number) =>
      first.client.dispatch({
        type: "report_device_state",
        device: deviceState({ throttleRatio }),
      });
    await say(2.4);
    await room.until(runsOn("b"), "the first move");
    const moved = client.state.placement?.id;
    await say(1);
    await room.until(decided(/It stays for now: the room moved a moment ago/), "the rest");
    expect(client.state.placement?.id).toBe(moved);
    await room.until(runsOn("a"), "the move after the rest");
  });
});

describe("settings", () => {
  test("a rule that becomes hard moves the layers at once, though the room rests", async () => {
    await withRoom(async (room) => {
      const timings = { settleMs: 20, restMs: 60_000 };
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
      expect(client.state.lastDecision?.trigger).toMatch(/^The settings changed/);
      expect(client.state.lastDecision?.reason).toMatch(/a has 5% of its battery left/);
    });
  });

  test("another context loads the same stages anew", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a", { timings: never });
      await client.place({ model: MODEL_URL });
      const settings = { ...DEFAULT_SETTINGS, contextTokens: 128 };
      await client.dispatch({ type: "change_settings", settings });
      await room.until(
        ({ placement }) => placement?.ready === true && placement.contextTokens === 128,
        "the new context",
      );
      expect(client.state.lastDecision?.reason).toMatch(/settings of what is loaded changed/);
    });
  });

  test("a rule that is off keeps nobody out", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("front", { observes: true });
      const a = await room.add("a");
      const low = deviceState({ batteryLevel: 0.05, batteryCharging: false });
      await a.client.dispatch({ type: "report_device_state", device: low });
      await room.until(({ members }) => members[1]?.device?.batteryLevel === 0.05, "the report");
      await expect(client.place({ model: MODEL_URL })).rejects.toThrow(
        /a has 5% of its battery left; the limit is 15%, so it takes no layers/,
      );
      const placementRules = { ...DEFAULT_PLACEMENT_RULES, battery: "off" as const };
      const settings = { ...DEFAULT_SETTINGS, placementRules };
      await client.dispatch({ type: "change_settings", settings });
      await client.place({ model: MODEL_URL });
      expect(runsOn("a")(client.state)).toBe(true);
    });
  });
});
