/** All members' commands are parsed, and no event is recorded that a member would not parse. */
import { describe, expect, test } from "vitest";
import { EventLog } from "../../src/cluster/log/event-log.ts";
import type { RoomCommand } from "../../src/cluster/membership/messages.ts";
import { emptyRoom } from "../../src/shared/apply.ts";
import { DEFAULT_SETTINGS } from "../../src/shared/state.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { CloseFailure } from "../../src/shared/mesh-failure.ts";
import { A } from "../../tools/room/sample-events.ts";
import { CODE, deviceState, MODEL_URL, profile } from "../../tools/room/test-data.ts";
import { until, withRoom } from "../../tools/room/test-room.ts";

const INVALID: [RoomCommand, string][] = [
  [{ type: "rename", name: "x".repeat(81) }, "name"],
  [{ type: "rename", name: "" }, "name"],
  [{ type: "report_device_state", device: deviceState({ stepMs: NaN }) }, "device.stepMs"],
  [
    { type: "change_settings", settings: { ...DEFAULT_SETTINGS, generationSlots: 0.5 } },
    "settings.generationSlots",
  ],
  [{ type: "no such command" } as unknown as RoomCommand, "type"],
];

describe.each(["coordinator", "follower"] as const)("at the %s", (role) => {
  test.each(INVALID)("%o is refused, and the others continue", async (command, field) => {
    await withRoom(async (room) => {
      const coordinator = await room.add("coordinator");
      const follower = await room.add("follower");
      const { client } = role === "coordinator" ? coordinator : follower;
      await expect(client.dispatch(command)).rejects.toMatchObject({
        code: "bad_request",
        failure: { reason: "command_invalid", field },
      });
      await client.dispatch({ type: "rename", name: "x".repeat(80) });
      await room.until(
        ({ members }) => members.some(({ name }) => name === "x".repeat(80)),
        "the next command",
      );
    });
  });
});

test("a command that is repeated, as to the next coordinator, is executed once", async () => {
  await withRoom(async (room) => {
    const first = await room.add("first");
    await room.add("second");
    const third = await room.add("third");
    const { client } = third;
    const remove: RoomCommand = { type: "remove_member", member: MemberId.parse("second") };
    const place: RoomCommand = {
      ...{ type: "place_stages", model: "tiny" },
      stages: [{ member: third.id, first: 0, end: 6 }],
    };
    await client.addModel(MODEL_URL);
    await first.client.dispatch(remove);
    const placement = await client.dispatch(place);
    expect(await first.client.dispatch(remove)).toBeNull();
    expect(await client.dispatch(place)).toBe(placement);
    const solved = await client.dispatch({ type: "place_model", model: "tiny" });
    expect(solved).not.toBe(placement);
    expect(await client.dispatch({ type: "place_model", model: "tiny" })).toBe(solved);
  });
});

test("an invalid command of another tab gets an answer", async () => {
  await withRoom(async (room) => {
    await room.add("coordinator");
    const { client, transport } = await room.add("follower");
    // Below its own parser, as another program would send it.
    const answer = new Promise((resolve) => {
      transport.events.onMessage((_peer, message) => {
        if ((message as { type: string }).type === "result") resolve(message);
      });
    });
    const command = { type: "rename", name: 7 };
    await transport.send(client.state.coordinator, { type: "command", id: 99, command });
    expect(await answer).toEqual({
      type: "result",
      id: 99,
      error: { reason: "command_invalid", field: "name" },
      value: null,
    });
  });
});

test.each([null, 7, "join", { type: "obey" }, { type: "command", id: "one", command: {} }])(
  "the message %o, which does not parse, ends the connection",
  async (message) => {
    await withRoom(async (room) => {
      const { id } = await room.add("a");
      const stranger = room.network.join(MemberId.parse("stranger"));
      const causes: CloseFailure[] = [];
      stranger.events.onDisconnect((_peer, cause) => causes.push(cause));
      await stranger.connect(id);
      await stranger.send(id, message);
      await until(() => stranger.connectedPeers().length === 0, "the end of the connection");
      expect(causes).toEqual([{ reason: "closed_by_peer" }]);
    });
  },
);

describe("an event that members would not parse", () => {
  test("is not recorded", () => {
    const log = new EventLog(emptyRoom(CODE, A));
    const member = profile("a", 0, { name: "x".repeat(81) });
    expect(() => log.append({ type: "member_joined", member })).toThrow(
      expect.objectContaining({
        failure: { reason: "event_invalid", event: "member_joined", field: "member.name" },
      }),
    );
    expect(log.events).toEqual([]);
    expect(log.state.nextIndex).toBe(0);
  });

  test("is not recorded as the first of a room either", async () => {
    await withRoom(async (room) => {
      await expect(room.add("a", { change: { name: "x".repeat(81) } })).rejects.toMatchObject({
        failure: { reason: "event_invalid" },
      });
    });
  });
});
