/** What follows from reports of both ends of a link, of one end, and of the stages of a late lap. */
import { describe, expect, test } from "vitest";
import { DEFAULT_TIMINGS } from "../../src/cluster/parts.ts";
import { nextStep } from "../../src/cluster/coordinator/rules.ts";
import { repairBoundMs, troubleReports, verdicts } from "../../src/cluster/coordinator/troubles.ts";
import { capacityKey } from "../../src/cluster/planning/capacity.ts";
import { problemOf } from "../../src/cluster/planning/room-problem.ts";
import { parseCommand, type PlainCommand } from "../../src/cluster/membership/messages.ts";
import { eventsOf } from "../../src/cluster/coordinator/command-events.ts";
import { MemberId, PlacementId } from "../../src/shared/ids.ts";
import type { RoomEvent } from "../../src/shared/events.ts";
import type { RoomState } from "../../src/shared/state.ts";
import { profile } from "../../tools/room/test-data.ts";
import {
  A,
  B,
  GENERATION,
  link,
  next,
  placement,
  sampleState,
  shard,
} from "../../tools/room/sample-events.ts";

const C = MemberId.parse("c");
const stages = [
  { member: A, first: 0, end: 2 },
  { member: B, first: 2, end: 4 },
  { member: C, first: 4, end: 6 },
];
const back = { ...link, from: B, to: A };
const cause = { reason: "gpu_command_failed" as const, detail: "validation" };
const REPAIR_MS = DEFAULT_TIMINGS.repairMs;
const idle = { solving: false, lastKey: null, reviewDue: false, repairing: false };

/** A ready pipeline a, b, c. */
function readyRoom(): RoomState {
  const events: RoomEvent[] = [
    { type: "member_joined", member: profile("c") },
    { type: "links_measured", links: [link, back] },
    { type: "placement_decided", placement: { ...placement, stages } },
    ...stages.map(({ member, first, end }): RoomEvent => ({
      type: "shard_progressed",
      member,
      shard: { ...shard, first, end, status: "ready" },
    })),
    { type: "placement_readied", placement: placement.id },
  ];
  return events.reduce(next, sampleState());
}

const view = (nowMs: number, absent: readonly MemberId[] = []) => ({
  state: readyRoom(),
  nowMs,
  isPresent: (member: MemberId) => !absent.includes(member),
  repairMs: REPAIR_MS,
});
const down = (from: MemberId, peer: MemberId, sinceMs = 0) => ({ from, peer, sinceMs });

describe("a link", () => {
  test("both ends report it: it is lost, and not before they had time to repair it", () => {
    const reports = [down(A, B), down(B, A, 500)];
    expect(verdicts(reports, [], view(REPAIR_MS - 1))).toEqual([]);
    expect(verdicts(reports, [], view(REPAIR_MS))).toEqual([
      {
        type: "links_lost",
        links: [
          { from: A, to: B },
          { from: B, to: A },
        ],
      },
    ]);
  });

  test("a slow link has more time", () => {
    const state = next(readyRoom(), {
      type: "links_measured",
      links: [{ ...link, roundTripMs: 400 }],
    });
    expect(repairBoundMs(state, B, A, REPAIR_MS)).toBe(8000);
  });

  const lost = {
    type: "links_lost",
    links: [
      { from: C, to: B },
      { from: B, to: C },
    ],
  };
  const silent = {
    type: "member_faulted",
    member: B,
    cause: { reason: "stage_silent", member: B },
  };

  test("one end alone reports it: the link is lost, and no member is at fault", () => {
    expect(verdicts([down(C, B)], [], view(2 * REPAIR_MS - 1))).toEqual([]);
    expect(verdicts([down(C, B)], [], view(2 * REPAIR_MS))).toEqual([lost]);
  });

  test("the coordinator, or two members, find a stage silent that reports nothing", () => {
    expect(verdicts([down(A, B)], [], view(2 * REPAIR_MS))).toEqual([silent]);
    const twice = verdicts([down(C, B), down(MemberId.parse("d"), B)], [], view(2 * REPAIR_MS));
    expect(twice).toEqual([silent]);
    // It reports the same of one of them: its stage runs.
    const both = verdicts([down(C, B), down(A, B), down(B, A)], [], view(2 * REPAIR_MS));
    expect(both.map(({ type }) => type)).toEqual(["links_lost", "links_lost"]);
  });

  test("a member without a connection leaves the room, which needs no verdict", () => {
    expect(verdicts([down(A, B)], [], view(60_000, [B]))).toEqual([]);
  });
});

describe("a late lap", () => {
  const laps = (...from: MemberId[]) => from.map((each) => ({ from: each, sinceMs: 0 }));

  test("is at the first stage that does not wait, if the coordinator or two stages say so", () => {
    expect(verdicts([], laps(A), view(1999))).toEqual([]);
    expect(verdicts([], laps(C, A), view(2000))).toMatchObject([{ member: B }]);
    expect(verdicts([], laps(A), view(2000))).toMatchObject([{ member: B }]);
    expect(verdicts([], laps(B, C), view(2000))).toMatchObject([{ member: A }]);
    expect(verdicts([], laps(C), view(60_000))).toEqual([]);
  });

  test("all stages wait: a frame was lost, and no stage", () => {
    expect(verdicts([], laps(A, B, C), view(2000))).toEqual([]);
  });
});

describe("what follows from a verdict", () => {
  test("the link is lost, answers wait, and the model is placed without it", () => {
    const before = readyRoom();
    const lost = next(before, {
      type: "links_lost",
      links: [
        { from: A, to: B },
        { from: B, to: A },
      ],
    });
    expect(lost.links).toEqual([]);
    expect(nextStep(lost, idle)).toMatchObject({
      type: "placement_failed",
      error: { reason: "stage_link_lost", member: A, to: B },
    });
    expect(problemOf(lost, placement.model).problem.links).toEqual([]);
    expect(capacityKey(lost)).not.toBe(capacityKey(before));
    // Measured again, it is back.
    expect(next(lost, { type: "links_measured", links: [link] }).lostLinks).toEqual([
      { from: B, to: A },
    ]);
  });

  test("no answer starts while the ends repair a link", () => {
    const queued = readyRoom();
    expect(nextStep(queued, idle)).toMatchObject({ type: "generation_started" });
    expect(nextStep(queued, { ...idle, repairing: true })).toBeNull();
  });

  test("failed layers are loaded again once; the second time the member is skipped", () => {
    const once = next(readyRoom(), { type: "member_faulted", member: B, cause });
    expect(nextStep(once, idle)).toMatchObject({
      type: "placement_failed",
      error: { reason: "stage_shard_failed", member: B, cause },
    });
    expect(capacityKey(once)).not.toBe(capacityKey(readyRoom()));
    expect(problemOf(once, placement.model).brokenRules).toEqual([]);
    // The same failure, reported twice, counts once.
    const twice = next(once, { type: "member_faulted", member: B, cause });
    expect(problemOf(twice, placement.model).brokenRules).toEqual([]);
    const placedAgain = next(once, {
      type: "placement_decided",
      placement: { ...placement, id: PlacementId.parse(10), stages },
    });
    const again = next(placedAgain, { type: "member_faulted", member: B, cause });
    expect(problemOf(again, placement.model).brokenRules).toEqual([
      {
        member: B,
        constraint: "excluded",
        hard: true,
        breach: { kind: "failed", count: 2, cause },
      },
    ]);
    expect(capacityKey(again)).not.toBe(capacityKey(once));
  });

  test("a complete answer shows that the stages work; a person may try a member again", () => {
    const once = next(readyRoom(), { type: "member_faulted", member: B, cause });
    const ended = {
      type: "generation_ended",
      generation: GENERATION,
      tokens: 1,
      error: null,
    } as const;
    const faults = (state: RoomState) => state.members.filter(({ fault }) => fault).length;
    expect(faults(next(once, { ...ended, outcome: "failed" }))).toBe(1);
    expect(faults(next(once, { ...ended, outcome: "done" }))).toBe(0);
    expect(faults(next(once, { type: "member_use_chosen", member: B, use: "auto" }))).toBe(0);
  });

  test("a load that failed counts, unless the bytes did not come", () => {
    const failed = (error: unknown) =>
      eventsOf(
        readyRoom(),
        B,
        parseCommand({
          type: "report_shard",
          shard: { ...shard, status: "failed", phase: "failed", error },
        }) as PlainCommand,
      ).map(({ type }) => type);
    expect(failed(cause)).toEqual(["shard_progressed", "member_faulted"]);
    expect(failed({ reason: "http_status", url: "https://x.example", status: 500 })).toEqual([
      "shard_progressed",
    ]);
  });
});

describe("open reports", () => {
  const book = (state = readyRoom()) => {
    let nowMs = 0;
    const timers: { readonly atMs: number; readonly act: () => void }[] = [];
    const events: RoomEvent[] = [];
    const troubles = troubleReports({
      clock: {
        nowMs: () => nowMs,
        after: (delayMs, act) => {
          timers.push({ atMs: nowMs + delayMs, act });
          return () => undefined;
        },
      },
      timings: { ...DEFAULT_TIMINGS, repairMs: REPAIR_MS },
      state: () => state,
      isPresent: () => true,
      emit: (event) => events.push(event),
      onSettled: () => undefined,
    });
    const run = (untilMs: number) => {
      for (let timer = timers.shift(); timer; timer = timers.shift()) {
        if (timer.atMs > untilMs) return void timers.unshift(timer);
        nowMs = timer.atMs;
        timer.act();
      }
    };
    return { troubles, run, events };
  };
  const reason = { reason: "channel_closed" } as const;

  test("a link that one end restores is not lost", () => {
    const { troubles, run, events } = book();
    troubles.take(A, { kind: "link_down", peer: B, cause: reason });
    troubles.take(B, { kind: "link_down", peer: A, cause: reason });
    expect(troubles.repairing).toBe(true);
    run(REPAIR_MS - 500);
    troubles.take(A, { kind: "link_restored", peer: B });
    run(60_000);
    expect(troubles.repairing).toBe(false);
    expect(events).toEqual([]);
  });

  test("one that nobody restores is lost once", () => {
    const { troubles, run, events } = book();
    troubles.take(A, { kind: "link_down", peer: B, cause: reason });
    troubles.take(B, { kind: "link_down", peer: A, cause: reason });
    run(60_000);
    expect(events.map(({ type }) => type)).toEqual(["links_lost"]);
    expect(troubles.repairing).toBe(false);
  });

  test("the failure of a shard of an older placement is ignored", () => {
    const { troubles, events } = book();
    troubles.take(B, { kind: "shard_failed", placement: 1 as typeof placement.id, cause });
    expect(events).toEqual([]);
    troubles.take(B, { kind: "shard_failed", placement: placement.id, cause });
    expect(events).toEqual([{ type: "member_faulted", member: B, cause }]);
  });

  test("a prompt that is missing ends its answer if stage 0 says so, and it runs", () => {
    const { id: placed } = placement;
    const started = {
      type: "generation_started",
      generation: GENERATION,
      placement: placed,
    } as const;
    const { troubles, events } = book(next(readyRoom(), started));
    const generation = GENERATION;
    troubles.take(B, { kind: "prompt_missing", generation });
    expect(events).toEqual([]);
    troubles.take(A, { kind: "prompt_missing", generation });
    expect(events).toMatchObject([
      {
        ...{ type: "generation_ended", generation, outcome: "interrupted" },
        error: { reason: "prompt_missing", requester: B },
      },
    ]);
    troubles.take(A, { kind: "prompt_missing", generation: 999 as typeof generation });
    expect(events).toHaveLength(1);
  });
});
