/** The ICE servers of a tab, against the real server. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openIceServers } from "../../src/api/ice-servers.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";
import { openFakeRoom, ROOM } from "../server/fake-room.ts";

const STUN = { urls: "stun:stun.example.org" };
const TURN = { urls: "turn:turn.example.org", username: "u", credential: "c" };

let server: TestServer;
beforeEach(async () => {
  server = await openTestServer({ iceServers: [STUN, TURN] });
  const { fetch } = globalThis;
  // The server does not count what a proxy forwards as local.
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("x-forwarded-for", "203.0.113.1");
    return fetch(input, { ...init, headers });
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
});

test("a tab that opens a room from another machine gets credentials when the room is open", async () => {
  const iceServers = await openIceServers(server.url, ROOM, undefined);
  const { list } = iceServers;
  expect(list).toEqual([STUN]);
  await openFakeRoom(server.port, () => undefined);
  await iceServers.refresh();
  // The same array, which connections read.
  expect(list).toEqual([STUN, TURN]);
});

test("a tab that joins has them at once; the caller's own are kept", async () => {
  await openFakeRoom(server.port, () => undefined);
  expect((await openIceServers(server.url, ROOM, undefined)).list).toEqual([STUN, TURN]);
  const own = await openIceServers(server.url, ROOM, [STUN]);
  await own.refresh();
  expect(own.list).toEqual([STUN]);
});
