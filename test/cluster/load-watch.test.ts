/** A member that takes layers and does not load them: when the room stops waiting, and what follows. */
import { describe, expect, test } from "vitest";
import {
  type LoadSeen,
  LoadWatch,
  MIN_LOAD_MS,
  stallsAtMs,
} from "../../src/cluster/coordinator/load-watch.ts";
import { DEFAULT_TIMINGS } from "../../src/cluster/parts.ts";
import { problemOf } from "../../src/cluster/planning/room-problem.ts";
import type { RoomEvent } from "../../src/shared/events.ts";
import type { ShardState } from "../../src/shared/member.ts";
import { DEFAULT_SETTINGS, type RoomState } from "../../src/shared/state.ts";
import { A, B, next, placement, sampleState, shard } from "../../tools/room/sample-events.ts";
import { MODEL_URL, profile } from "../../tools/room/test-data.ts";
import { until, withRoom } from "../../tools/room/test-room.ts";

const silenceMs = 1000;
const EVENT_MS = 100;
const stages = [
  { member: A, first: 0, end: 3 },
  { member: B, first: 3, end: 6 },
];
const loading = { placement: { ...placement, stages }, sinceMs: 0, silenceMs };
const seen = (change: Partial<LoadSeen> = {}): LoadSeen => ({
  ...{ progress: 0, atMs: 0, longestPauseMs: 0, readyMs: null },
  ...change,
});

describe("a load", () => {
  const limit = (a: Partial<LoadSeen>, b: Partial<LoadSeen>) => {
    const both = new Map([
      [A, seen(a)],
      [B, seen(b)],
    ]);
    return stallsAtMs({ ...loading, seen: both }, B);
  };

  test("stalls some time after its last progress", () => {
    expect(limit({}, { atMs: 500 })).toBe(500 + silenceMs);
  });

  test("may pause for longer if it did so before", () => {
    expect(limit({}, { atMs: 900, longestPauseMs: 600 })).toBe(900 + 4 * 600);
  });

  test("that is complete does not stall", () => {
    expect(limit({}, { readyMs: 700 })).toBe(Infinity);
  });

  test("that is slow is compared with the others once they have loaded", () => {
    const atMs = 2 * MIN_LOAD_MS;
    expect(limit({ readyMs: 100 }, { atMs })).toBe(MIN_LOAD_MS);
    expect(limit({ readyMs: MIN_LOAD_MS }, { atMs })).toBe(atMs + silenceMs);
    expect(limit({ readyMs: MIN_LOAD_MS }, { atMs: 30 * MIN_LOAD_MS })).toBeCloseTo(
      20 * MIN_LOAD_MS,
    );
  });
});

describe("the watch", () => {
  /** A placement on two members that loads, and a clock that the test moves. */
  function watched() {
    let nowMs = 0;
    let state: RoomState = next(sampleState(), {
      type: "placement_decided",
      placement: loading.placement,
    });
    const events: RoomEvent[] = [];
    const clock = { nowMs: () => nowMs, after: () => () => undefined };
    const emit = (event: RoomEvent) => {
      events.push(event);
      take(event);
    };
    const timings = { ...DEFAULT_TIMINGS, loadSilenceMs: silenceMs };
    const watch = new LoadWatch({ clock, timings, state: () => state, emit });
    const take = (event: RoomEvent) => {
      state = next(state, event);
      watch.note();
    };
    /** With the events of other members, such as their device states. */
    const run = (untilMs: number) => {
      for (; nowMs < untilMs; nowMs = Math.min(untilMs, nowMs + EVENT_MS)) watch.note();
      watch.note();
    };
    const report = (member: typeof A, change: Partial<ShardState>) => {
      const { first, end } = stages.find((stage) => stage.member === member)!;
      take({
        type: "shard_progressed",
        member,
        shard: { ...shard, status: "loading", phase: "downloading", first, end, ...change },
      });
    };
    watch.note();
    return { events, report, run, state: () => state };
  }

  test("names the member that loads nothing, once; the solver does not choose it again", () => {
    const { events, report, run, state } = watched();
    report(A, { status: "ready", phase: "ready" });
    run(silenceMs - EVENT_MS);
    expect(events).toEqual([]);
    run(10 * silenceMs);
    const cause = { reason: "load_stalled", member: B, loadedBytes: 0, totalBytes: 3000 };
    expect(events).toEqual([
      { type: "member_faulted", member: B, cause: { ...cause, waitedMs: silenceMs } },
    ]);
    expect(problemOf(state(), placement.model).brokenRules).toMatchObject([
      { member: B, hard: true, breach: { kind: "failed", count: 1 } },
    ]);
    const measured = next(state(), {
      ...{ type: "member_measured", member: B },
      measurements: profile("b").measurements!,
    });
    expect(problemOf(measured, placement.model).brokenRules).toHaveLength(1);
    const chosen = next(state(), { type: "member_use_chosen", member: B, use: "auto" });
    expect(problemOf(chosen, placement.model).brokenRules).toEqual([]);
  });

  test("waits for a member that makes progress, and only for real progress", () => {
    const { events, report, run } = watched();
    report(A, { status: "ready", phase: "ready" });
    for (let loadedBytes = 1; loadedBytes <= 20; loadedBytes++) {
      report(B, { loadedBytes });
      run(loadedBytes * 900);
    }
    expect(events).toEqual([]);
    for (let time = 0; time < 10; time++) {
      report(B, { loadedBytes: time % 2 });
      run(20 * 900 + time * 900);
    }
    expect(events).toMatchObject([{ type: "member_faulted", member: B }]);
  });

  test("ends with the load", () => {
    const { events, report, run } = watched();
    for (const member of [A, B]) report(member, { status: "ready", phase: "ready" });
    run(10 * silenceMs);
    expect(events).toEqual([]);
  });
});

test("the room places without a member that never loads, and says why", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a", { timings: { loadSilenceMs: 60 } });
    const idle = await room.add("idle", {
      models: { loadShard: () => new Promise(() => undefined) },
    });
    await client.dispatch({
      type: "change_settings",
      settings: { ...DEFAULT_SETTINGS, telemetryIntervalMs: 250 },
    });
    const failures: unknown[] = [];
    client.subscribe(({ event }) => {
      if (event?.event.type === "placement_failed") failures.push(event.event.error);
    });
    const placing = client.place({
      model: MODEL_URL,
      stages: [
        { member: client.self, first: 0, end: 3 },
        { member: idle.id, first: 3, end: 6 },
      ],
    });
    await placing.catch(() => undefined);
    await until(() => client.state.placement?.ready === true, "another placement");
    expect(client.state.placement?.stages.map(({ member }) => member)).toEqual([client.self]);
    expect(failures).toMatchObject([
      { reason: "stage_shard_failed", member: idle.id, cause: { reason: "load_stalled" } },
    ]);
  });
});
