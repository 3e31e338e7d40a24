/**
 * Malformed requests and sockets against one server: its upgrade path, its router, its static
 * files, signaling, and the bridge. No input may end the process, outlast the server's time
 * limits, or get a 500. A failure names the seed of its input.
 */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostileConnection } from "../../tools/fuzz/http-requests.ts";
import { randomFrom } from "../../tools/placement/random.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";
import { answerJson, openFakeRoom } from "./fake-room.ts";

/** As many as take some seconds before a merge, and all in the other set of tests. */
const isLongRun = ["remaining", "full"].includes(process.env["TABMESH_TEST_SET"] ?? "");
const COUNT = isLongRun ? 100_000 : 6_000;
const AT_ONCE = 32;
/** Above the server's own limits, below. */
const HANG_MS = 20_000;
/** No room, and an answer that the room's tab did not give. */
const INTENDED = new Set([502, 503]);

let server: TestServer;
const crashes: unknown[] = [];
const onCrash = (error: unknown) => void crashes.push(error);

beforeAll(async () => {
  const endless = { perSecond: 1e9, burst: 1e9 };
  server = await openTestServer({
    limits: {
      ...{ checkMs: 100, firstByteMs: 2000, headersMs: 2000, requestMs: 2000 },
      ...{ requests: endless, messages: endless, guesses: endless, strays: endless },
    },
  });
  await openFakeRoom(server.port, (request, room) => answerJson(room, request.id, request.path));
  process.on("uncaughtException", onCrash).on("unhandledRejection", onCrash);
});
afterAll(async () => {
  process.off("uncaughtException", onCrash).off("unhandledRejection", onCrash);
  await server.close();
});

/** Sends the input of `seed`; resolves with what came back before the connection closed. */
function exchange(seed: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const input = hostileConnection(randomFrom(seed));
    const socket = connect(server.port, "127.0.0.1", () => socket.end(input));
    const timeout = setTimeout(() => {
      socket.destroy();
      reject(new Error(`seed ${seed} hangs: ${JSON.stringify(input.toString("latin1"))}`));
    }, HANG_MS);
    let answer = "";
    socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
    socket.on("error", () => undefined); // a reset is an answer too; "close" follows
    socket.on("close", () => {
      clearTimeout(timeout);
      resolve(answer);
    });
  });
}

function failedStatus(answer: string): number | null {
  for (const [, status] of answer.matchAll(/HTTP\/1\.[01] (5\d\d) /g)) {
    if (!INTENDED.has(Number(status))) return Number(status);
  }
  return null;
}

test(
  `${COUNT} malformed requests and sockets leave the server as it was`,
  { timeout: 900_000 },
  async () => {
    let next = 1;
    const statuses = new Map<string, number>();
    const run = async () => {
      while (next <= COUNT) {
        const seed = next++;
        const answer = await exchange(seed);
        const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? "none";
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(failedStatus(answer), `seed ${seed}`).toBeNull();
        expect(crashes, `near seed ${seed}`).toEqual([]);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, run));
    // The inputs reach every part: pages, files, rooms, refusals, and open sockets.
    for (const status of ["101", "200", "400", "403", "404", "415", "421"]) {
      expect(statuses.get(status) ?? 0, `answers of ${status}`).toBeGreaterThan(0);
    }
    expect(await (await fetch(`${server.url}/api/state`)).json()).toBe("/api/state");
  },
);
