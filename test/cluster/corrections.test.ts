/** Measured laps correct the cost model, and noise does not. */
import { previewStages } from "../../src/cluster/index.ts";
import { expect, test } from "vitest";
import { LapCorrections } from "../../src/cluster/planning/lap-corrections.ts";
import { costOf, problemOf } from "../../src/cluster/planning/room-problem.ts";
import type { RoomState } from "../../src/shared/state.ts";
import { A, B, next, placement, sampleState } from "../../tools/room/sample-events.ts";
import { MODEL_URL } from "../../tools/room/test-data.ts";
import { ask, collect, withRoom } from "../../tools/room/test-room.ts";

const predicted = (state: RoomState) =>
  costOf(problemOf(state, placement.model).problem, placement.stages).shares[0]!;
const laps = (ms: number, count = 8) => ({
  placement: placement.id,
  computeMs: Array.from({ length: count }, () => ms),
});

test("laps that take three times as long correct the prediction to what was measured", () => {
  const state = sampleState();
  const { computeMs, stageMs } = predicted(state);
  const measured = 3 * computeMs + stageMs;
  const events = new LapCorrections().take(state, A, laps(measured));
  expect(events).toMatchObject([{ type: "member_corrected", member: A }]);
  expect(events[0]?.costRatio).toBeCloseTo(3);
  const after = predicted(next(state, events[0]!));
  expect(after.computeMs + after.stageMs).toBeCloseTo(measured, 9);
});

test.each([0.6, 1.13, 5, 30])(
  "a stage that hides readbacks of 1.9 ms is predicted as measured, %d ms",
  (measured) => {
    const state = sampleState();
    const measurements = { ...state.members[0]!.measurements!, readbackMs: 1.9 };
    const slowReadback = next(state, { type: "member_measured", member: A, measurements });
    const [event] = new LapCorrections().take(slowReadback, A, laps(measured));
    const after = predicted(next(slowReadback, event!));
    expect(after.computeMs + after.stageMs).toBeCloseTo(measured, 9);
  },
);

test("a tenth more is noise, and so are a few slow laps among many", () => {
  const state = sampleState();
  const { computeMs, stageMs } = predicted(state);
  const corrections = new LapCorrections();
  // The first laps are recorded, because they show the member's speed.
  const first = corrections.take(state, A, laps(1.1 * computeMs + stageMs));
  expect(first).toEqual([{ type: "member_corrected", member: A, costRatio: 1 }]);
  const shown = next(state, first[0]!);
  expect(corrections.take(shown, A, laps(1.1 * computeMs + stageMs))).toEqual([]);
  expect(corrections.take(shown, A, laps(9 * computeMs + stageMs, 3))).toEqual([]);
});

test("laps of another placement, or of a member without a stage, change nothing", () => {
  const state = sampleState();
  const corrections = new LapCorrections();
  const other = (placement.id + 1) as typeof placement.id;
  expect(corrections.take(state, A, { ...laps(99), placement: other })).toEqual([]);
  expect(corrections.take(state, B, laps(99))).toEqual([]);
});

test("after another probe, corrections start again", () => {
  const state = sampleState();
  const { computeMs, stageMs } = predicted(state);
  const corrections = new LapCorrections();
  const [event] = corrections.take(state, A, laps(3 * computeMs + stageMs));
  const member = state.members[0]!;
  const again = next(next(state, event!), {
    type: "member_measured",
    member: A,
    measurements: member.measurements!,
  });
  expect(corrections.take(again, A, laps(computeMs + stageMs))).toMatchObject([{ costRatio: 1 }]);
});

test("a room corrects its predictions after an answer, in every member's state", async () => {
  await withRoom(async (room) => {
    const requester = await room.add("requester", { observes: true });
    // The probe's numbers say 6.9 ms a token; the loops take 40.
    await room.add("a", { stepMs: 40 });
    await requester.client.place({ model: MODEL_URL });
    await collect(requester.client.ask(ask("HI", { maxTokens: 12 })));
    await room.until(
      ({ members }) => (members.find(({ id }) => id === "a")?.costRatio ?? 1) > 3,
      "the correction",
    );
    const { placement: placed } = requester.client.state;
    const [stage] = previewStages(requester.client.state, placed!.model, placed!.stages).stages;
    expect(stage!.computeMs + stage!.stageMs).toBeGreaterThan(30);
    expect(stage!.computeMs + stage!.stageMs).toBeLessThan(80);
  });
});
