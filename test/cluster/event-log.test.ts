/** The log: the next event, gaps, the events that it keeps, and trimming. */
import { expect, test } from "vitest";
import { EventLog } from "../../src/cluster/log/event-log.ts";
import { emptyRoom } from "../../src/shared/apply.ts";
import { RoomCode } from "../../src/shared/ids.ts";
import { A, B } from "../../tools/room/sample-events.ts";
import { profile } from "../../tools/room/test-data.ts";

function logOf(count: number, maxEvents?: number): EventLog {
  const log = new EventLog(emptyRoom(RoomCode.parse("ABCDEF"), A), maxEvents);
  log.append({ type: "member_joined", member: profile("a") });
  for (let index = 1; index < count; index++) {
    log.append({ type: "member_renamed", member: A, name: `${index}` });
  }
  return log;
}

test("a follower that takes the same events holds the same state", () => {
  const log = logOf(5);
  const follower = new EventLog(log.base);
  for (const event of log.events) expect(follower.receive(event)).toBe("applied");
  expect(follower.state).toEqual(log.state);
  expect(follower.receive(log.events[2]!)).toBe("old");
});

test("an event that does not follow is a gap and changes nothing", () => {
  const log = logOf(5);
  const follower = new EventLog(log.base);
  expect(follower.receive(log.events[1]!)).toBe("gap");
  expect(follower.state.nextIndex).toBe(0);
});

test("a new epoch begins only with its first event; late events of the old one are ignored", () => {
  const log = logOf(3);
  const follower = new EventLog(log.state);
  const late = new EventLog(log.state).append({ type: "member_renamed", member: A, name: "late" });
  const first = log.append({ type: "coordinator_changed", coordinator: B }, 2);
  const second = log.append({ type: "member_renamed", member: A, name: "new" });
  expect(follower.receive(second)).toBe("gap");
  expect(follower.receive(first)).toBe("applied");
  expect(follower.receive(late)).toBe("old");
  expect(follower.receive(second)).toBe("applied");
  expect(follower.state).toEqual(log.state);
});

test("old events are folded into the snapshot; the state stays", () => {
  const log = logOf(2000, 100);
  expect(log.events.length).toBeLessThan(1100);
  expect(log.base.nextIndex + log.events.length).toBe(2000);
  expect(log.state).toEqual(logOf(2000).state);
});
