/** When a tab reports its device state. */
import { expect, test } from "vitest";
import { EventLog } from "../../src/cluster/log/event-log.ts";
import { reportDeviceState } from "../../src/cluster/member/telemetry-reporter.ts";
import type { RoomAccess, RoomChange } from "../../src/cluster/membership/room-access.ts";
import { DEFAULT_SETTINGS, emptyRoom, MemberId } from "../../src/shared/index.ts";
import { CODE, deviceState } from "../../tools/room/test-data.ts";
import { newActor, World } from "../../tools/simulation/world.ts";

const self = MemberId.parse("a");

function reporting() {
  const world = new World(1);
  const log = new EventLog(emptyRoom(CODE, self));
  const listeners: ((change: RoomChange) => void)[] = [];
  const reportedAtMs: number[] = [];
  let connection: RoomAccess["connection"] = "connected";
  const room: RoomAccess = {
    self,
    get state() {
      return log.state;
    },
    get connection() {
      return connection;
    },
    subscribe: (listener) => {
      listeners.push(listener);
      return () => undefined;
    },
    dispatch: () => {
      reportedAtMs.push(world.nowMs);
      return Promise.resolve(null);
    },
  };
  const clock = world.clockOf(newActor(), 1, 0);
  const every = (telemetryIntervalMs: number) => {
    const settings = { ...DEFAULT_SETTINGS, telemetryIntervalMs };
    const event = log.append({ type: "settings_changed", settings });
    for (const listener of listeners) listener({ event, notice: null });
  };
  reportDeviceState(room, () => Promise.resolve(deviceState()), clock);
  const lose = () => {
    connection = "lost";
    for (const listener of listeners) listener({ event: null, notice: null });
  };
  return { world, every, reportedAtMs, lose };
}

test("a shorter interval applies at once, not after the old one", async () => {
  const { world, every, reportedAtMs, lose } = reporting();
  every(60_000);
  every(250);
  await world.run(900);
  expect(reportedAtMs).toEqual([250, 500, 750]);
  lose();
  await world.run(2000);
  expect(reportedAtMs).toHaveLength(3);
});
