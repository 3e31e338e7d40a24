/**
 * One whole room: the real server, the built page in two Chromium processes and a Firefox, and
 * the default model over all three. room-splits.full.e2e.ts tries other splits and orders.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  askGreedily,
  askTogether,
  expectAsLlamaCpp,
  golden,
} from "../../tools/room/e2e-goldens.ts";
import { MODEL, openRoom, type TestRoom } from "../../tools/room/e2e-room.ts";

let room: TestRoom;

beforeAll(async () => {
  room = await openRoom("TESTRM", ["chromium", "chromium", "firefox"]);
});

afterAll(async () => {
  await room.close();
  expect(room.errors, "errors in the tabs' consoles").toEqual([]);
});

/** These have many decided tokens, except for the chat. */
const ASKED = ["json-array", "code-javascript", "json-object", "english-list", "chat-system"];
const TOKENS = 12;

describe("before a model is placed", () => {
  test("the room has two members in Chromium and one in Firefox, all measured", async () => {
    const { members, coordinator, placement } = await room.api.state();
    const browsers = members.map(({ adapter }) => adapter?.browser.split(" ")[0]);
    expect(browsers.sort()).toEqual(["Chromium", "Chromium", "Firefox"]);
    expect(members.map(({ id }) => id)).toContain(coordinator);
    expect(placement).toBeNull();
  });

  test("the topology has links in both directions between all members, which differ", async () => {
    const topology = () =>
      room.api.get<{
        nodes: unknown[];
        edges: { roundTripMs: number; bytesPerMs: number }[];
        heterogeneous: boolean;
        reasons: unknown[];
      }>("/api/topology/gpu");
    await expect
      .poll(async () => (await topology()).edges.length, { timeout: 60_000, interval: 500 })
      .toBe(6);
    const { nodes, edges, heterogeneous, reasons } = await topology();
    expect(nodes).toHaveLength(3);
    for (const { roundTripMs, bytesPerMs } of edges) {
      expect(roundTripMs).toBeGreaterThan(0);
      expect(bytesPerMs).toBeGreaterThan(0);
    }
    // Firefox reports no device memory, so the budgets differ.
    expect(heterogeneous).toBe(true);
    expect(reasons.length).toBeGreaterThan(0);
  });
});

describe("over Chromium, Firefox, and Chromium", () => {
  test("the model is placed, and every stage has its layers when that is answered", async () => {
    const stages = await room.placeOver(await room.membersIn("chromium", "firefox", "chromium"));
    const { placement, members } = await room.api.state();
    expect(placement).toMatchObject({ model: MODEL, ready: true, error: null, stages });
    for (const { member } of stages) {
      expect(members.find(({ id }) => id === member)?.shard?.status).toBe("ready");
    }
  });

  test("answers are llama.cpp's wherever rounding cannot change them, several at once", async () => {
    const asked = ASKED.map(golden);
    const answers = await askTogether(room.api, asked, TOKENS);
    asked.forEach((one, index) => expectAsLlamaCpp(one, answers[index]!));
    for (const { tokens, finish } of answers) {
      expect(tokens.length === TOKENS || finish === "stop").toBe(true);
    }
  });
});

// Last, because the room has a tab less after it.
test("when the coordinator's tab is gone, another member coordinates, and the room answers", async () => {
  const { coordinator } = await room.api.state();
  await room.tabs[0]!.close();
  const { members, epoch } = await room.api.waitFor("the other two", 90_000, (state) => {
    return state.members.length === 2 && state.epoch > 1;
  });
  expect(epoch).toBeGreaterThan(1);
  expect(members.map(({ id }) => id)).not.toContain(coordinator);
  await room.placeOver(await room.membersIn("chromium", "firefox"));
  const oracle = golden("json-array");
  expectAsLlamaCpp(oracle, await askGreedily(room.api, oracle, 6));
});
