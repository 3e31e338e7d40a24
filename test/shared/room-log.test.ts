/** A room's log as a file: what is written is read, and damaged files are refused with a reason. */
import { expect, test } from "vitest";
import { emptyRoom } from "../../src/shared/apply.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import type { IndexedEvent, RoomEvent } from "../../src/shared/events.ts";
import { readRoomLog, writeRoomLog } from "../../src/shared/room-log.ts";
import { profile } from "../../tools/room/test-data.ts";

const base = emptyRoom(RoomCode.parse("ABCDEF"), MemberId.parse("a"));
const numbered = (events: readonly RoomEvent[]): IndexedEvent[] =>
  events.map((event, index) => ({ epoch: 1, index, event }));
const joined = (name: string): RoomEvent => ({ type: "member_joined", member: profile(name) });
const LOG = { base, events: numbered([joined("a"), joined("b"), joined("c")]) };

test("a log that was written is read back", () => {
  expect(readRoomLog(writeRoomLog(LOG))).toEqual(LOG);
});

test.each([
  ["", "not_a_log"],
  ["data: {}", "not_a_log"],
  [JSON.stringify({ ...LOG, format: "tabmesh-log" }), "not_a_log"],
  // The version is read first: the remainder may have any shape.
  [JSON.stringify({ format: "tabmesh-log", version: 1, log: [] }), "other_version"],
  [JSON.stringify({ format: "tabmesh-log", version: 4, base: {}, events: [] }), "malformed"],
  [writeRoomLog(LOG).slice(0, -10), "not_a_log"],
  [writeRoomLog({ base, events: LOG.events.toSpliced(1, 1) }), "events_missing"],
])("%#: a file that is not a whole log is refused", (text, problem) => {
  expect(() => readRoomLog(text)).toThrow(
    expect.objectContaining({ failure: { reason: "log_unreadable", problem } }),
  );
});
