/** Which tabs are admitted to a room, and how members catch up. */
import { describe, expect, test } from "vitest";
import { ClusterMessage } from "../../src/cluster/membership/messages.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import type { RoomNotice } from "../../src/shared/room-notice.ts";
import type { Transport } from "../../src/mesh/transport.ts";
import { deviceState, profile } from "../../tools/room/test-data.ts";
import { until, withRoom, type TestRoom } from "../../tools/room/test-room.ts";

/** A member whose messages the test writes. */
async function stranger(room: TestRoom, name: string) {
  const transport: Transport = room.network.join(MemberId.parse(name));
  const heard: ClusterMessage[] = [];
  transport.events.onMessage((_peer, message) => heard.push(ClusterMessage.parse(message)));
  const holder = room.roomHolder!;
  await transport.connect(holder);
  const answer = async (type: ClusterMessage["type"]) => {
    await until(() => heard.some((message) => message.type === type), type);
    return heard.findLast((message) => message.type === type);
  };
  return { transport, heard, answer, say: (message: unknown) => transport.send(holder, message) };
}

const join = (name: string, change: object = {}) => ({
  type: "join",
  room: "ABCDEF",
  member: profile(name),
  ...change,
});

test("two tabs with the same name get distinct names", async () => {
  await withRoom(async (room) => {
    const change = { name: "Chromium" };
    await room.add("a", { change });
    await room.add("b", { change });
    const { client } = await room.add("c", { change });
    expect(client.state.members.map(({ name }) => name)).toEqual([
      "Chromium",
      "Chromium (2)",
      "Chromium (3)",
    ]);
  });
});

describe("a newcomer is refused", () => {
  test.each([
    [{ more: 1 }, { reason: "invalid_join_message", peer: "odd" }],
    [{ member: undefined }, { reason: "invalid_join_message", peer: "odd" }],
    [{ room: "ZZZZZZ" }, { reason: "wrong_room", room: "ABCDEF", requested: "ZZZZZZ" }],
    [{ member: profile("somebody") }, { reason: "other_sender", member: "somebody", peer: "odd" }],
  ])("%o: %o", async (change, refusal) => {
    await withRoom(async (room) => {
      const { client } = await room.add("first");
      const odd = await stranger(room, "odd");
      await odd.say(join("odd", change));
      expect(await odd.answer("refused")).toMatchObject({ refusal });
      expect(client.state.members).toHaveLength(1);
    });
  });

  test("its own client rejects with the refusal, and does not try again", async () => {
    await withRoom(async (room) => {
      await room.add("first");
      const code = RoomCode.parse("ZZZZZZ");
      await expect(room.add("lost", { code })).rejects.toMatchObject({
        code: "refused",
        failure: { reason: "wrong_room", room: "ABCDEF" },
      });
    });
  });
});

describe("a message of the join that does not parse", () => {
  const answers = [
    { type: "welcome", more: 1 },
    { type: "refused", refusal: { reason: "from the future" } },
  ];

  test.each(answers)("refuses the newcomer, which gives the reason at once: %o", async (answer) => {
    await withRoom(async (room) => {
      const foreign: Transport = room.network.join(MemberId.parse("foreign"));
      foreign.events.onMessage((peer) => void foreign.send(peer, answer));
      room.roomHolder = foreign.self;
      await expect(room.add("lost")).rejects.toMatchObject({
        code: "refused",
        failure: { reason: "invalid_join_message", peer: "foreign" },
      });
    });
  });

  test("is reported in the room that the tab could not join", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("first");
      const notices: RoomNotice[] = [];
      client.onNotice((notice) => notices.push(notice));
      const odd = await stranger(room, "odd");
      await odd.say(join("odd", { more: 1 }));
      await odd.answer("refused");
      const refusal = { reason: "invalid_join_message", peer: "odd" };
      expect(notices).toEqual([{ kind: "newcomer_refused", refusal }]);
    });
  });
});

test("a room that no one holds is an error if it must exist, and is opened otherwise", async () => {
  await withRoom(async (room) => {
    await expect(room.add("a", { mustExist: true })).rejects.toMatchObject({
      code: "not_found",
      failure: { reason: "room_not_found", code: "ABCDEF" },
    });
    const { client } = await room.add("b");
    expect(client.coordinates).toBe(true);
  });
});

test("sixteen members that join at once agree on one coordinator and one state", async () => {
  await withRoom(async (room) => {
    const names = Array.from({ length: 16 }, (_, index) => `m${index}`);
    await Promise.all(names.map((name) => room.add(name, { observes: true })));
    await room.until(({ members }) => members.length === 16, "all to be in");
    const tabs = [...room.tabs.values()];
    expect(tabs.filter(({ client }) => client.coordinates)).toHaveLength(1);
    expect(new Set(tabs.map(({ client }) => JSON.stringify(client.state))).size).toBe(1);
  });
});

describe("a member that missed events", () => {
  test("gets a snapshot", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("first");
      const late = await stranger(room, "late");
      await late.say(join("late"));
      await late.answer("welcome");
      for (const name of ["x", "y"]) await client.dispatch({ type: "rename", name });
      await late.say({ type: "events_missing" });
      const { nextIndex } = client.state;
      expect(await late.answer("snapshot")).toMatchObject({ state: { nextIndex } });
    });
  });

  test("requests it when it sees a gap", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first");
      const second = await room.add("second");
      // One event is lost on the way: the next one does not follow.
      const send = first.transport.send.bind(first.transport);
      let lost = 0;
      first.transport.send = (peer, message) => {
        const isEvents = (message as { type: string }).type === "events";
        if (isEvents && lost++ === 0) return Promise.resolve();
        return send(peer, message);
      };
      await first.client.dispatch({ type: "rename", name: "lost on the way" });
      await first.client.dispatch({ type: "report_device_state", device: deviceState() });
      await until(
        () => second.client.state.nextIndex === first.client.state.nextIndex,
        "the gap to close",
      );
      expect(second.client.state).toEqual(first.client.state);
      expect(second.client.state.members[0]?.name).toBe("lost on the way");
    });
  });
});

test("messages of a tab that has not joined change nothing", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("first");
    const odd = await stranger(room, "odd");
    await odd.say({ type: "join" });
    await odd.say({ type: "command", id: 1, command: { type: "rename", name: "intruder" } });
    expect(await odd.answer("result")).toMatchObject({
      error: { reason: "not_a_member" },
    });
    expect(client.state.members.map(({ name }) => name)).toEqual(["Tab first"]);
  });
});

test("a peer that has the secret and claims a far epoch does not replace the coordinator", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("first");
    const odd = await stranger(room, "odd");
    const claim = { type: "standing", asks: true, index: 1, coordinator: "odd", opener: "odd" };
    await odd.say({ ...claim, epoch: Number.MAX_SAFE_INTEGER, holdsModel: true });
    await odd.say(join("odd"));
    expect(await odd.answer("welcome")).toMatchObject({ state: { epoch: 1 } });
    expect(client.coordinates).toBe(true);
    expect(odd.heard.map(({ type }) => type)).not.toContain("standing");
  });
});
