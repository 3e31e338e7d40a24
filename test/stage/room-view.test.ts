/** What a stage knows of generations: which run, which may start, and which never will. */
import { expect, test } from "vitest";
import { GenerationId, MemberId } from "../../src/shared/ids.ts";
import { RoomView } from "../../src/stage/room-view.ts";

const [a, b] = [MemberId.parse("a"), MemberId.parse("b")];
const id = (number: number) => GenerationId.parse(number);
const running = (...ids: number[]) => ids.map((each) => ({ generation: id(each), requester: a }));

test("a generation runs for its requester only", () => {
  const view = new RoomView();
  view.update({ term: "1", members: [a], queued: [], running: running(5) });
  expect(view.standing(id(5), a)).toBe("running");
  expect(view.standing(id(5), b)).toBe("refused");
  expect([view.isMember(a), view.isMember(b)]).toEqual([true, false]);
});

test("later ids may start, and earlier ones are over", () => {
  const view = new RoomView();
  expect(view.standing(id(4), a)).toBe("not_started");
  view.update({ term: "1", members: [a], queued: [], running: running(5, 6) });
  view.update({ term: "1", members: [a], queued: [], running: [] });
  expect([4, 5, 6, 7].map((each) => view.standing(id(each), a))).toEqual([
    "refused",
    "refused",
    "refused",
    "not_started",
  ]);
});

test("ids whose upper bits wrap around are later", () => {
  const view = new RoomView();
  view.update({ term: "1", members: [a], queued: [], running: running(0xffff_fff0) });
  expect(view.standing(id(3), a)).toBe("not_started");
  expect(view.standing(id(0xffff_ff00), a)).toBe("refused");
});

test("another term may begin with lower ids", () => {
  const view = new RoomView();
  view.update({ term: "1", members: [a], queued: [], running: running(500) });
  view.update({ term: "2", members: [a], queued: [], running: [] });
  expect(view.standing(id(7), a)).toBe("not_started");
});

test("of those that are queued, each may start, in any order, for its requester only", () => {
  const view = new RoomView();
  view.update({ term: "1", members: [a], queued: running(5), running: running(6) });
  expect(view.standing(id(5), a)).toBe("not_started");
  expect(view.standing(id(5), b)).toBe("refused");
  view.update({ term: "1", members: [a], queued: [], running: running(6) });
  expect(view.standing(id(5), a)).toBe("refused");
});
