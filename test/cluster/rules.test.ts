/** Each rule of the coordinator on a state that fits on a screen. */
import { describe, expect, test } from "vitest";
import { capacityKey } from "../../src/cluster/planning/capacity.ts";
import { nextStep, type Attempts } from "../../src/cluster/coordinator/rules.ts";
import type { RoomState } from "../../src/shared/state.ts";
import {
  next,
  placement,
  sampleState,
  shard,
  A,
  B,
  GENERATION,
} from "../../tools/room/sample-events.ts";

const idle: Attempts = { solving: false, lastKey: null, reviewDue: false, repairing: false };
const left = { reason: "left" as const };
const layers = { member: A, model: "tiny", first: 0, end: 6 };
const loss = { reason: "stage_member_left" as const, ...layers };
const readyShard = { ...shard, status: "ready" as const };
const loaded = () =>
  next(sampleState(), { type: "shard_progressed", member: A, shard: readyShard });
const ready = () => next(loaded(), { type: "placement_readied", placement: placement.id });
const running = () =>
  next(ready(), { type: "generation_started", generation: GENERATION, placement: placement.id });
const broken = (state: RoomState) =>
  next(state, { type: "placement_failed", placement: placement.id, error: loss });
const tried = (state: RoomState): Attempts => ({
  ...idle,
  lastKey: capacityKey(state),
});

test("a placement that loads needs no step", () => {
  expect(nextStep(sampleState(), idle)).toBeNull();
});

test("all stages loaded: the placement is ready", () => {
  expect(nextStep(loaded(), idle)).toMatchObject({ type: "placement_readied" });
});

test("shards of an older placement or of other layers do not count", () => {
  const state = next(sampleState(), {
    type: "shard_progressed",
    member: A,
    shard: { ...readyShard, end: 5 },
  });
  expect(nextStep(state, idle)).toBeNull();
});

test("a free slot: the first queued generation starts", () => {
  expect(nextStep(ready(), idle)).toMatchObject({
    type: "generation_started",
    generation: GENERATION,
  });
});

test("a free slot: before the second of one requester, the first of another", () => {
  const [first] = running().generations;
  const queued = [
    { ...first!, id: 6 as typeof GENERATION, status: "queued" as const },
    { ...first!, id: 7 as typeof GENERATION, status: "queued" as const, requester: A },
  ];
  const placed = { ...running().placement!, generationSlots: 2 };
  const state = { ...running(), placement: placed, generations: [first!, ...queued] };
  expect(nextStep(state, idle)).toMatchObject({ type: "generation_started", generation: 7 });
});

test("the model is lost and cannot be placed: an answer that has begun waits, a new one fails", () => {
  const lost = broken(sampleState());
  expect(nextStep(lost, tried(lost))).toMatchObject({ type: "generation_ended" });
  const generations = lost.generations.map((each) => ({ ...each, continues: true }));
  expect(nextStep({ ...lost, generations }, tried(lost))).toBeNull();
  const cleared = { ...lost, generations, placement: null };
  expect(nextStep(cleared, tried(lost))).toMatchObject({ outcome: "failed" });
});

test("no free slot: it stays queued", () => {
  const waiting = {
    ...running().generations[0]!,
    id: 6 as typeof GENERATION,
    status: "queued" as const,
  };
  const state = next(running(), { type: "generation_queued", generation: waiting });
  expect(nextStep(state, idle)).toBeNull();
});

describe("a stage is lost", () => {
  test("when its member leaves", () => {
    const state = next(running(), { type: "member_left", member: A, reason: left });
    expect(nextStep(state, idle)).toMatchObject({ type: "placement_failed", error: loss });
  });
  test("when its device is lost", () => {
    const noAdapter = { reason: "device_lost" as const, detail: "driver reset" };
    const state = next(running(), { type: "adapter_lost", member: A, noAdapter });
    expect(nextStep(state, idle)).toMatchObject({
      error: { reason: "stage_gpu_lost", ...layers, noAdapter },
    });
  });
  test("when it cannot load", () => {
    const cause = { reason: "unexpected" as const, detail: "disk full" };
    const state = next(sampleState(), {
      type: "shard_progressed",
      member: A,
      shard: { ...shard, status: "failed", error: cause },
    });
    expect(nextStep(state, idle)).toMatchObject({
      error: { reason: "stage_load_failed", ...layers, cause },
    });
  });
});

describe("after the loss", () => {
  test("what ran is interrupted first", () => {
    expect(nextStep(broken(running()), idle)).toMatchObject({
      type: "generation_ended",
      outcome: "interrupted",
      error: loss,
    });
  });
  test("then the model is placed again", () => {
    expect(nextStep(broken(ready()), idle)).toEqual({ type: "place_again" });
  });
  test("but not while a solve is in progress, and queued generations stay queued", () => {
    expect(nextStep(broken(ready()), { ...idle, solving: true })).toBeNull();
  });
  test("and not twice for the same members: queued generations fail", () => {
    const state = broken(ready());
    expect(nextStep(state, tried(state))).toMatchObject({
      type: "generation_ended",
      outcome: "failed",
      error: loss,
    });
  });
  test("again when a member joined or left", () => {
    const state = broken(ready());
    const fewer = next(state, { type: "member_left", member: B, reason: left });
    expect(nextStep(fewer, tried(state))).toMatchObject({ type: "place_again" });
  });
});

test("the key of the capacity ignores what does not change a placement", () => {
  const state = sampleState();
  const renamed = next(state, { type: "member_renamed", member: A, name: "other" });
  const excluded = next(state, { type: "member_use_chosen", member: A, use: "exclude" });
  expect(capacityKey(renamed)).toBe(capacityKey(state));
  expect(capacityKey(excluded)).not.toBe(capacityKey(state));
});
