/** Who coordinates: precedence, and the steps of an election. */
import { describe, expect, test } from "vitest";
import {
  electionStep,
  type ElectionView,
  precedes,
} from "../../src/cluster/membership/standing.ts";
import type { Standing } from "../../src/cluster/membership/messages.ts";
import { emptyRoom } from "../../src/shared/apply.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import type { RoomState } from "../../src/shared/state.ts";
import { placement } from "../../tools/room/sample-events.ts";
import { profile } from "../../tools/room/test-data.ts";

const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => MemberId.parse(id)) as [
  MemberId,
  MemberId,
  MemberId,
  MemberId,
];
const timings = { electionMs: 700, isolationMs: 3000 };

const standing = (change: Partial<Standing> = {}): Standing => ({
  epoch: 1,
  index: 3,
  coordinator: null,
  opener: a,
  holdsModel: false,
  ...change,
});

/** The room of `a`, `b`, and `c` with two stages. */
function placedOn(...stages: readonly MemberId[]): RoomState {
  const members = [a, b, c].map((id) => profile(id));
  const room = { ...emptyRoom(RoomCode.parse("ABCDEF"), a), members, nextIndex: 3 };
  const halves = stages.map((member, at) => ({ member, first: 3 * at, end: 3 * at + 3 }));
  return { ...room, placement: { ...placement, stages: halves } };
}

/** Seen by `b`, whose coordinator `a` is gone; `c` joined after it. */
const step = (standings: [MemberId, Standing][], change: Partial<ElectionView> = {}) => {
  const members = [a, b, c].map((id) => profile(id));
  const state = { ...emptyRoom(RoomCode.parse("ABCDEF"), a), members, nextIndex: 3 };
  const others = {
    others: [],
    left: a,
    lost: null,
    elapsedMs: 0,
    reachesServer: false,
    holder: null,
    timings,
  };
  return electionStep({ self: b, state, standings: new Map(standings), ...others, ...change });
};

test("of two coordinators, the model counts first, then the epoch, the log, and the id", () => {
  const self = { self: b };
  expect(
    precedes(
      { ...standing({ holdsModel: true }), self: c },
      { ...standing({ epoch: 9 }), ...self },
    ),
  ).toBe(true);
  expect(
    precedes({ ...standing({ epoch: 2 }), self: c }, { ...standing({ index: 9 }), ...self }),
  ).toBe(true);
  expect(precedes({ ...standing({ index: 4 }), self: c }, { ...standing(), ...self })).toBe(true);
  expect(precedes({ ...standing(), self: c }, { ...standing(), ...self })).toBe(false);
});

describe("a member without a coordinator", () => {
  test("leads if it is the most senior one, as soon as all others have answered", () => {
    expect(step([])).toEqual({ kind: "wait" });
    expect(step([[c, standing()]])).toEqual({ kind: "lead", epoch: 1, ownsModel: false });
  });

  test("leaves it to a more senior one, and to one of a newer epoch", () => {
    expect(
      step([
        [a, standing()],
        [c, standing()],
      ]),
    ).toEqual({ kind: "wait" });
    expect(step([[c, standing({ epoch: 2, opener: c })]], { elapsedMs: 9000 })).toEqual({
      kind: "wait",
    });
  });

  test("leaves it to one of a longer log, however junior; of equal logs of two terms, one is elected", () => {
    expect(step([[c, standing({ index: 4 })]])).toEqual({ kind: "wait" });
    expect(step([[c, standing({ index: 2 })]])).toMatchObject({ kind: "lead" });
    expect(step([[d, standing({ opener: d })]], { others: [d], elapsedMs: 700 })).toMatchObject({
      kind: "lead",
    });
  });

  test("without a model, does not lead while the server reaches a member that holds the name", () => {
    const late = { elapsedMs: 9000, reachesServer: true };
    expect(step([], { ...late, holder: c })).toEqual({ kind: "wait" });
    expect(step([], late)).toMatchObject({ kind: "lead" });
  });

  test("does not wait for a coordinator that others have lost too, if they hold the model", () => {
    const lost = { left: null, lost: a, state: placedOn(b, c) };
    expect(step([[c, standing()]], lost)).toMatchObject({ kind: "lead" });
    expect(step([[c, standing()]], { ...lost, lost: null })).toEqual({ kind: "wait" });
    expect(step([], lost)).toEqual({ kind: "wait" });
    const elsewhere = { ...lost, state: placedOn(a, a) };
    expect(step([[c, standing()]], elsewhere)).toEqual({ kind: "wait" });
  });

  test("joins a coordinator, but not one of an older epoch or of another room of the same epoch", () => {
    const coordinates = (change: Partial<Standing>) =>
      standing({ coordinator: c, opener: c, ...change });
    expect(step([[c, coordinates({ epoch: 2 })]])).toEqual({ kind: "join", member: c });
    expect(step([[c, coordinates({ epoch: 1 })]])).toEqual({ kind: "wait" });
    expect(step([[c, coordinates({ epoch: 0 })]])).toEqual({ kind: "wait" });
  });

  test("asks the one that another member follows", () => {
    expect(step([[c, standing({ epoch: 2, coordinator: d, opener: d })]])).toEqual({
      kind: "ask",
      member: d,
    });
  });

  test("does not wait for silent members for longer than the election", () => {
    expect(step([], { elapsedMs: 699 })).toEqual({ kind: "wait" });
    expect(step([], { elapsedMs: 700 })).toEqual({ kind: "lead", epoch: 1, ownsModel: false });
  });
});
