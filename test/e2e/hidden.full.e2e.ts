/**
 * A room whose tabs are hidden and throttled as a person's are: its device states do not wait for the
 * pages' own timers. Other tests switch the throttling off.
 */
import { afterAll, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import { type Machine, openMachine } from "../../tools/browsers/machine.ts";
import { JOIN_TIMEOUT_MS, openE2eServer } from "../../tools/room/e2e-room.ts";
import { RoomApi } from "../../tools/room/room-api.ts";

const TICKS = 4;
/** With an interval of 250 ms, two tabs have eight per second; a page's own timers allow each of them one. */
const MIN_EVENTS_PER_TICK = 3;

/** Runs in a page, which is the coordinator's and hidden. */
async function eventsDuringTicks(ticks: number, room: string): Promise<number> {
  type App = Element & {
    view: { state: { settings: object } };
    send(command: object): void;
  };
  const app = document.querySelector<App>("tabmesh-app")!;
  const settings = { ...app.view.state.settings, telemetryIntervalMs: 250 };
  app.send({ type: "change_settings", settings });
  const tick = () => new Promise((resolve) => setTimeout(resolve, 1));
  const index = async () => {
    const response = await fetch("/api/state", { headers: { "x-tabmesh-room": room } });
    return ((await response.json()) as { index: number }).index;
  };
  await tick();
  const before = await index();
  for (let count = 0; count < ticks; count += 1) await tick();
  return (await index()) - before;
}

let server: RunningServer;
const machines: Machine[] = [];
afterAll(async () => {
  for (const { close } of machines) await close();
  await server.close();
});

test("device states come several times between two timers of a hidden page", async () => {
  const errors: string[] = [];
  server = await openE2eServer();
  const api = new RoomApi(server.addresses[0]!, "HADDEN");
  const url = `${api.server}/?room=${api.room}&join`;
  for (const count of [1, 2]) {
    machines.push(await openMachine({ url, onError: (line) => errors.push(line) }));
    await api.waitForMembers(count, JOIN_TIMEOUT_MS);
  }
  for (const { hide } of machines) await hide();
  const { page } = machines[0]!;
  expect(await page.evaluate(() => document.visibilityState)).toBe("hidden");
  const events = await page.evaluate(eventsDuringTicks, TICKS, api.room);
  expect(events).toBeGreaterThan(MIN_EVENTS_PER_TICK * TICKS);
  expect(errors).toEqual([]);
});
