/** The fold: every event on a small state, what follows and what does not. */
import { describe, expect, test } from "vitest";
import { apply, EventGapError } from "../../src/shared/apply.ts";
import { IndexedEvent, RoomEvent } from "../../src/shared/events.ts";
import { MemberId, PlacementId } from "../../src/shared/ids.ts";
import { RoomState, type Placement } from "../../src/shared/state.ts";
import { modelSummary, profile } from "../../tools/room/test-data.ts";
import {
  A,
  B,
  decision,
  device,
  GENERATION,
  link,
  next,
  placement,
  sampleState,
  settings,
  shard,
} from "../../tools/room/sample-events.ts";

const of = (id: MemberId) => (state: RoomState) => state.members.find((m) => m.id === id);
const C = MemberId.parse("c");
const noAdapter = { reason: "device_lost" as const, detail: "The GPU is gone." };
const loss = {
  reason: "stage_member_left" as const,
  member: A,
  model: "tiny",
  first: 0,
  end: 6,
};
const cause = { reason: "gpu_command_failed" as const, detail: "validation" };
const later: Placement = { ...placement, id: PlacementId.parse(10) };

/** Each event with the part of the state that it changes, and what that then is. */
const CASES: readonly (readonly [RoomEvent, (state: RoomState) => unknown, unknown])[] = [
  [{ type: "coordinator_changed", coordinator: B }, (s) => [s.coordinator, s.epoch], [B, 2]],
  [{ type: "member_joined", member: profile("c") }, of(C), profile("c")],
  [
    { type: "member_left", member: B, reason: { reason: "left" } },
    (s) => [of(B)(s), s.generations, s.formerMembers],
    [undefined, [], [{ id: B, name: "Tab b" }]],
  ],
  [{ type: "member_renamed", member: A, name: "new" }, (s) => of(A)(s)?.name, "new"],
  [
    {
      type: "member_measured",
      member: A,
      measurements: { ...profile("a").measurements!, readbackMs: 9 },
    },
    (s) => of(A)(s)?.measurements?.readbackMs,
    9,
  ],
  [
    { type: "adapter_lost", member: A, noAdapter },
    (s) => [of(A)(s)?.adapter, of(A)(s)?.noAdapter],
    [null, noAdapter],
  ],
  [{ type: "member_use_chosen", member: A, use: "exclude" }, (s) => of(A)(s)?.use, "exclude"],
  [{ type: "device_state_updated", member: A, device }, (s) => of(A)(s)?.device, device],
  [{ type: "links_measured", links: [link] }, (s) => s.links, [link]],
  // Nothing was measured yet; a measured link is below.
  [
    { type: "links_drifted", links: [{ from: A, to: B }] },
    (s) => [s.links, s.nextIndex],
    [[], sampleState().nextIndex + 1],
  ],
  [{ type: "links_lost", links: [{ from: A, to: B }] }, (s) => s.lostLinks, [{ from: A, to: B }]],
  [
    { type: "member_faulted", member: A, cause },
    (s) => of(A)(s)?.fault,
    { count: 1, cause, placement: placement.id },
  ],
  [
    { type: "model_added", model: modelSummary({ name: "other" }) },
    (s) => s.models.map(({ name }) => name),
    ["tiny", "other"],
  ],
  [{ type: "member_corrected", member: A, costRatio: 2 }, (s) => of(A)(s)?.costRatio, 2],
  [
    { type: "placement_reviewed", decision },
    (s) => s.lastDecision,
    { ...decision, index: sampleState().nextIndex },
  ],
  [{ type: "placement_decided", placement: later }, (s) => s.placement, later],
  [{ type: "shard_progressed", member: A, shard }, (s) => of(A)(s)?.shard, shard],
  [{ type: "placement_readied", placement: placement.id }, (s) => s.placement?.ready, true],
  [
    { type: "placement_failed", placement: placement.id, error: loss },
    (s) => [s.placement?.ready, s.placement?.error],
    [false, loss],
  ],
  [{ type: "placement_cleared", placement: placement.id }, (s) => s.placement, null],
  [
    { type: "handover_begun", placement: later },
    (s) => s.handover,
    { placement: later, loaded: [] },
  ],
  [
    {
      type: "generation_queued",
      generation: { ...sampleState().generations[0]!, id: 6 as typeof GENERATION },
    },
    (s) => s.generations.map(({ id }) => id),
    [5, 6],
  ],
  [
    { type: "generation_started", generation: GENERATION, placement: later.id },
    (s) => s.generations.map(({ status, placement: at }) => [status, at]),
    [["running", 10]],
  ],
  [
    { type: "generation_ended", generation: GENERATION, outcome: "done", tokens: 2, error: null },
    (s) => s.generations,
    [],
  ],
  [{ type: "admission_changed", admits: "nobody" }, (s) => s.admits, "nobody"],
  [{ type: "settings_changed", settings }, (s) => s.settings, settings],
];

test("a new measurement forgets what laps showed of the old one", () => {
  const corrected = next(sampleState(), { type: "member_corrected", member: A, costRatio: 2 });
  const measurements = of(A)(corrected)!.measurements!;
  const again = next(corrected, { type: "member_measured", member: A, measurements });
  expect(of(A)(again)?.costRatio).toBeUndefined();
});

test("every type of event has a case", () => {
  const types = RoomEvent.options.map((option) => option.shape.type.value).sort();
  const duringHandover = ["handover_loaded", "handover_ended"];
  const tested = [...CASES.map(([event]) => event.type), ...duringHandover];
  expect(tested.sort()).toEqual(types);
});

describe.each(CASES)("$type", (event, part, expected) => {
  test("changes its part and the index; the old state stays as it was", () => {
    const before = sampleState();
    const frozen = JSON.stringify(before);
    expect(part(before)).not.toEqual(expected);
    const after = next(before, event);
    expect(part(after)).toEqual(expected);
    expect(after.nextIndex).toBe(before.nextIndex + 1);
    expect(JSON.stringify(before)).toBe(frozen);
    expect(RoomState.parse(after)).toEqual(after);
  });

  test("survives the wire", () => {
    const indexed = { epoch: 1, index: 0, event };
    expect(IndexedEvent.parse(JSON.parse(JSON.stringify(indexed)))).toEqual(indexed);
  });
});

describe("an event that does not follow throws", () => {
  const state = sampleState();
  const event: RoomEvent = { type: "member_renamed", member: A, name: "x" };
  test.each<[string, IndexedEvent]>([
    ["a later index", { epoch: 1, index: state.nextIndex + 1, event }],
    ["an earlier index", { epoch: 1, index: state.nextIndex - 1, event }],
    ["another epoch", { epoch: 2, index: state.nextIndex, event }],
    [
      "a new coordinator in the same epoch",
      {
        epoch: 1,
        index: state.nextIndex,
        event: { type: "coordinator_changed", coordinator: B },
      },
    ],
  ])("%s", (_name, indexed) => {
    expect(() => apply(state, indexed)).toThrow(EventGapError);
  });
});

describe("an event about what is gone changes only the index", () => {
  test.each<RoomEvent>([
    { type: "member_left", member: C, reason: { reason: "left" } },
    { type: "member_renamed", member: C, name: "x" },
    { type: "shard_progressed", member: A, shard: { ...shard, placement: 3 } },
    { type: "shard_progressed", member: A, shard: { ...shard, end: shard.end + 1 } },
    { type: "shard_progressed", member: B, shard },
    { type: "placement_readied", placement: later.id },
    { type: "placement_cleared", placement: later.id },
    { type: "links_measured", links: [{ ...link, to: C }] },
    { type: "generation_started", generation: 77 as typeof GENERATION, placement: later.id },
  ])("$type", (event) => {
    const before = sampleState();
    expect(next(before, event)).toEqual({ ...before, nextIndex: before.nextIndex + 1 });
  });
});

test.each([
  [placement.id, shard],
  [later.id, null],
])("a member that comes back has its shard if it is of the current placement (%i)", (id, kept) => {
  const gone = next(sampleState(), { type: "member_left", member: A, reason: { reason: "left" } });
  const member = { ...profile("a"), shard: { ...shard, placement: id } };
  expect(of(A)(next(gone, { type: "member_joined", member }))?.shard).toEqual(kept);
});

test("a new measurement of a link replaces the old one; the other direction stays", () => {
  const back = { ...link, from: B, to: A };
  const state = next(sampleState(), { type: "links_measured", links: [link, back] });
  const drifted = next(state, { type: "links_drifted", links: [{ from: A, to: B }] });
  expect(drifted.links).toEqual([{ ...link, drifted: true }, back]);
  const again = next(drifted, { type: "links_measured", links: [{ ...link, roundTripMs: 5 }] });
  expect(again.links).toEqual([{ ...link, roundTripMs: 5 }, back]);
});

test("a handover: members load the next placement, which then takes over, ready", () => {
  const onB = { ...later, stages: [{ member: B, first: 0, end: 6 }] };
  const begun = next(sampleState(), { type: "handover_begun", placement: onB });
  expect(begun.handover).toEqual({ placement: onB, loaded: [] });
  expect(begun.placement).toEqual(sampleState().placement);
  const report = { type: "handover_loaded", placement: onB.id, member: B } as const;
  const loaded = next(next(begun, report), report);
  expect(loaded.handover?.loaded).toEqual([B]);
  const end = { type: "handover_ended", placement: onB.id } as const;
  const switched = next(loaded, { ...end, switched: true });
  expect(switched).toMatchObject({ handover: null, placement: { ...onB, ready: true } });
  expect(switched.members.map(({ shard }) => shard?.status ?? null)).toEqual([null, "ready"]);
  const kept = next(loaded, { ...end, switched: false });
  expect(kept).toMatchObject({ handover: null, placement: begun.placement });
  // One of its members leaves, another placement is decided, or the current one is lost.
  const ends: RoomEvent[] = [
    { type: "member_left", member: B, reason: { reason: "left" } },
    { type: "adapter_lost", member: B, noAdapter: { reason: "observer" } },
    { type: "placement_decided", placement: later },
    { type: "placement_failed", placement: placement.id, error: loss },
  ];
  for (const event of ends) expect(next(loaded, event).handover).toBeNull();
  expect(next(loaded, { ...end, placement: placement.id, switched: true }).handover).not.toBeNull();
});
