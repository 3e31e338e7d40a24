/** Who may do what, and how a member is removed. */
import { describe, expect, test } from "vitest";
import { denialOf } from "../../src/cluster/coordinator/permissions.ts";
import type { RoomCommand } from "../../src/cluster/membership/messages.ts";
import { createAdmission } from "../../src/mesh/index.ts";
import { SYSTEM_CLOCK } from "../../src/shared/clock.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { RoomKey } from "../../src/shared/room-secret.ts";
import type { RoomNotice } from "../../src/shared/room-notice.ts";
import { DEFAULT_SETTINGS, type RoomState } from "../../src/shared/state.ts";
import {
  A,
  B,
  device,
  GENERATION,
  next,
  placement,
  sampleState,
} from "../../tools/room/sample-events.ts";
import { MODEL_URL, modelSummary, observer, profile } from "../../tools/room/test-data.ts";
import { ask, collect, until, withRoom, type TestRoom } from "../../tools/room/test-room.ts";

const C = MemberId.parse("c");
const byOpener = { ...DEFAULT_SETTINGS, changesBy: "opener" as const };

/** `a` opened the room and coordinates it; `b` has a generation; `c` observes. */
function roomState(change: Partial<RoomState> = {}): RoomState {
  const member = profile("c", 0, observer);
  return { ...next(sampleState(), { type: "member_joined", member }), ...change };
}

const CHANGES: RoomCommand[] = [
  { type: "place_model", model: "tiny" },
  { type: "place_stages", model: "tiny", stages: [...placement.stages] },
  { type: "clear_placement" },
  { type: "add_model", model: modelSummary({ name: "other" }) },
  { type: "choose_member", member: A, use: "exclude" },
  { type: "change_settings", settings: { ...DEFAULT_SETTINGS, contextTokens: 512 } },
  { type: "change_admission", admits: "nobody" },
];
const ASKING: RoomCommand[] = [
  { type: "request_generation", key: "k", continues: false, promptTokens: 1, maxTokens: 1 },
  { type: "rename", name: "me" },
  { type: "report_device_state", device },
];
const end = {
  type: "end_generation",
  generation: GENERATION,
  outcome: "stopped",
  tokens: 0,
  error: null,
} as const;
const remove = { type: "remove_member", member: B } as const;
const setRule = { type: "change_settings", settings: byOpener } as const;
const opener_only = { reason: "opener_only", openedBy: A };

describe("an observer", () => {
  test.each(ASKING)("may $type", (command) => {
    expect(denialOf(roomState(), C, command)).toBeNull();
  });
  test.each(CHANGES)("may not $type", (command) => {
    expect(denialOf(roomState(), C, command)).toEqual({ reason: "observers_only_ask" });
  });
  test.each(CHANGES)("that opened the room may $type", (command) => {
    expect(denialOf(roomState({ openedBy: C }), C, command)).toBeNull();
  });
});

describe("a member that computes", () => {
  test.each(CHANGES)("may $type, unless the rule leaves it to the opener", (command) => {
    expect(denialOf(roomState(), B, command)).toBeNull();
    const state = roomState({ settings: byOpener });
    const keepsRule =
      command.type === "change_settings"
        ? { ...command, settings: { ...command.settings, changesBy: "opener" as const } }
        : command;
    expect(denialOf(state, B, keepsRule)).toEqual(opener_only);
    expect(denialOf(state, A, keepsRule)).toBeNull();
    expect(denialOf({ ...state, coordinator: B }, B, keepsRule)).toBeNull();
  });

  test("ends its own answers only; the opener and the coordinator end any", () => {
    const state = roomState();
    expect(denialOf(state, B, end)).toBeNull();
    expect(denialOf(state, C, end)).toEqual({ reason: "not_requester", requester: B });
    expect(denialOf(state, A, end)).toBeNull();
    expect(denialOf({ ...state, openedBy: B, coordinator: C }, C, end)).toBeNull();
  });

  test("neither removes members nor sets the rule, even if it coordinates", () => {
    for (const command of [remove, setRule]) {
      expect(denialOf(roomState(), B, command)).toEqual(opener_only);
      expect(denialOf(roomState({ coordinator: B }), B, command)).toEqual(opener_only);
      expect(denialOf(roomState(), A, command)).toBeNull();
    }
  });
});

test("the opener's rights pass to the member that has been in the room longest", () => {
  const leave = (state: RoomState, member: MemberId) =>
    next(state, { type: "member_left", member, reason: { reason: "left" } });
  const state = roomState();
  expect(state.openedBy).toBe(A);
  expect(leave(state, B).openedBy).toBe(A);
  expect(leave(state, A).openedBy).toBe(B);
  // The id alone proves nothing: a member that returns with it does not get the opener's rights.
  const back = next(leave(state, A), { type: "member_joined", member: profile("a") });
  expect(back.openedBy).toBe(B);
  expect(leave(back, B).openedBy).toBe(C);
});

test("refusals reach the one who tried, as data", async () => {
  await withRoom(async (room) => {
    await room.add("a");
    const { client } = await room.add("watcher", { observes: true });
    await expect(client.place({ model: MODEL_URL })).rejects.toMatchObject({
      code: "refused",
      failure: { reason: "observers_only_ask" },
    });
    expect(client.state.models).toEqual([]);
  });
});

test("a model's name stands for one file", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a");
    const other = await room.add("b");
    await client.place({ model: MODEL_URL });
    const model = client.state.models[0]!;
    const replaced = { ...model, contentId: "other-1" };
    await expect(
      other.client.dispatch({ type: "add_model", model: replaced }),
    ).rejects.toMatchObject({ failure: { reason: "model_name_taken", model: "tiny" } });
    const { nextIndex } = client.state;
    await other.client.dispatch({ type: "add_model", model });
    expect(client.state.nextIndex).toBe(nextIndex);
    expect(client.state.models).toEqual([model]);
  });
});

test("laps count only for the member that reports them", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a");
    const liar = await room.add("liar");
    await client.place({
      model: MODEL_URL,
      stages: [{ member: client.self, first: 0, end: 6 }],
    });
    const placed = client.state.placement!.id;
    const computeMs = Array.from({ length: 16 }, () => 9999);
    await liar.client.dispatch({ type: "report_laps", placement: placed, computeMs });
    expect(client.state.members.map(({ costRatio }) => costRatio)).toEqual([undefined, undefined]);
  });
});

describe("a removed member", () => {
  async function removed(room: TestRoom) {
    const { client } = await room.add("a");
    const other = await room.add("b");
    const gone = await room.add("gone");
    const notices: RoomNotice[] = [];
    gone.client.onNotice((notice) => notices.push(notice));
    await client.dispatch({ type: "remove_member", member: gone.id });
    await until(() => gone.client.connection === "lost", "the removed tab to notice");
    room.tabs.delete(gone.id); // its state is the last that it saw
    await room.until(({ members }) => members.length === 2, "the others to notice");
    return { client, other, gone, notices };
  }

  test("learns who removed it, and nothing else", async () => {
    await withRoom(async (room) => {
      const { client, gone, notices } = await removed(room);
      expect(notices).toEqual([{ kind: "removed", by: client.self }]);
      await expect(gone.client.dispatch({ type: "rename", name: "x" })).rejects.toMatchObject({
        failure: { reason: "not_in_room" },
      });
    });
  });

  test("does not have the room's secret any more, under whatever id", async () => {
    await withRoom(async (room) => {
      const before = room.network.secret;
      const { client, other, gone } = await removed(room);
      await until(
        () => other.client.key.secret !== before,
        "the other member to get the new secret",
      );
      expect(other.client.key.secret).toBe(client.key.secret);
      expect(gone.client.key.secret).toBe(before);
      await expect(room.add("again", { secret: before })).rejects.toMatchObject({
        failure: { reason: "wrong_secret" },
      });
      const friend = await room.add("friend", { secret: client.key.secret });
      expect(friend.client.key.secret).toBe(client.key.secret);
    });
  });

  test("cannot come back under another id with the code, until the room admits by code again", async () => {
    await withRoom(async (room) => {
      const { client, other } = await removed(room);
      expect(other.client.state.admits).toBe("link");
      await expect(room.add("again", { byCode: true })).rejects.toMatchObject({
        failure: { reason: "link_needed" },
      });
      await other.client.dispatch({ type: "change_admission", admits: "code" });
      const typed = await room.add("typed", { byCode: true });
      expect(typed.client.key.secret).toBe(client.key.secret);
    });
  });

  test("leaves a locked room locked", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a");
      const gone = await room.add("gone");
      await client.dispatch({ type: "change_admission", admits: "nobody" });
      await client.dispatch({ type: "remove_member", member: gone.id });
      expect(client.state.admits).toBe("nobody");
    });
  });

  test("loses the connections that it opened in advance under another id", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a");
      const other = await room.add("b");
      const gone = await room.add("gone");
      const sleeper = room.network.join(MemberId.parse("sleeper"));
      for (const peer of [client.self, other.id]) await sleeper.connect(peer);
      await client.dispatch({ type: "remove_member", member: gone.id });
      await until(() => sleeper.connectedPeers().length === 0, "its connections to end");
      await expect(sleeper.connect(other.id)).rejects.toMatchObject({
        failure: { reason: "wrong_secret" },
      });
    });
  });

  test("two at a time: each key is signed by the one before", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a");
      const one = await room.add("one");
      const two = await room.add("two");
      const secrets: RoomKey[] = [];
      client.announceKey = (key) => {
        secrets.push(key);
        return Promise.resolve();
      };
      await Promise.all(
        [one, two].map(({ id }) => client.dispatch({ type: "remove_member", member: id })),
      );
      expect(secrets.map(({ succession }) => succession.length)).toEqual([1, 2]);
      expect(client.key.secret).toBe(secrets[1]!.secret);
    });
  });

  test("keeps its rights until the server knows the next key", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("a");
      const gone = await room.add("gone");
      let accept: () => void = () => undefined;
      client.announceKey = () => new Promise((resolve) => (accept = resolve));
      const removing = client.dispatch({ type: "remove_member", member: gone.id });
      await Promise.resolve();
      expect(client.state.members).toHaveLength(2);
      expect(client.key.secret).toBe(room.network.secret);
      await until(() => accept.length === 1, "the key to be announced");
      accept();
      await removing;
      expect(client.state.members).toHaveLength(1);
      expect(client.key.secret).not.toBe(room.network.secret);
    });
  });

  test("is disconnected by every member, and not admitted again under its id", async () => {
    await withRoom(async (room) => {
      const { client, other, gone } = await removed(room);
      for (const { transport } of [room.tabs.get(client.self)!, other])
        expect(transport.connectedPeers()).not.toContain(gone.id);
      // Even if somebody gave it the new secret.
      const told = createAdmission(client.state.room, client.key.secret, SYSTEM_CLOCK);
      const transport = room.network.join(gone.id, { admission: told });
      const answer = new Promise((resolve) =>
        transport.events.onMessage((_peer, message) => resolve(message)),
      );
      await expect(gone.transport.connect(client.self)).rejects.toMatchObject({
        failure: { reason: "wrong_secret" },
      });
      await transport.connect(client.self);
      await transport.send(client.self, {
        type: "join",
        room: client.state.room,
        member: profile("gone"),
      });
      expect(await answer).toMatchObject({
        type: "refused",
        refusal: { reason: "removed_from_room" },
      });
    });
  });

  test("may have been the coordinator: another member continues the room", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first");
      const second = await room.add("second");
      await room.add("third");
      first.crash();
      await room.until(({ epoch, members }) => epoch === 2 && members.length === 2, "the others");
      // The one that has been here longest opened the room now; the other may coordinate.
      expect(second.client.state.openedBy).toBe(second.id);
      const coordinator = room.tabs.get(second.client.state.coordinator)!;
      await second.client
        .dispatch({ type: "remove_member", member: coordinator.id })
        .catch(() => 0);
      await until(() => coordinator.client.connection === "lost", "the coordinator to go");
      room.tabs.delete(coordinator.id);
      await room.until(({ members }) => members.length === 1, "the room to continue");
      await room.until(({ coordinator: id }) => id !== coordinator.id, "another coordinator");
      const [next] = room.tabs.values();
      await until(
        () => next!.client.key.secret !== coordinator.client.key.secret,
        "another secret",
      );
    });
  });

  test("ends only what it took part in: the others' answers continue", async () => {
    await withRoom(async (room) => {
      const { client, other } = await removed(room);
      await client.place({ model: MODEL_URL });
      expect((await collect(other.client.ask(ask("STILL HERE")))).tokens).toHaveLength(8);
    });
  });
});
