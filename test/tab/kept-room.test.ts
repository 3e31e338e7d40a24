/** A tab returns to its room after a reload. */
import { describe, expect, test } from "vitest";
import { MeshError } from "../../src/mesh/index.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";
import {
  forgetRoom,
  keepLink,
  keepRoomOf,
  openWithKeptId,
  readKeptRoom,
} from "../../src/tab/kept-room.ts";
import { CODE } from "../../tools/room/test-data.ts";
import { type TabOptions, withRoom } from "../../tools/room/test-room.ts";

function storage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}
const observes = true;

describe("a tab keeps", () => {
  test("nothing of a room that it does not know, or that another version kept", () => {
    const kept = storage();
    expect(readKeptRoom(kept, CODE)).toBeNull();
    kept.setItem(`tabmesh.room.${CODE}`, `{"secret":"short"}`);
    expect(readKeptRoom(kept, CODE)).toBeNull();
  });

  test("the secret of its link, and what it knew of the same room", () => {
    const kept = storage();
    const [secret, other] = [createRoomSecret(), createRoomSecret()];
    keepLink(kept, CODE, secret);
    expect(readKeptRoom(kept, CODE)).toEqual({
      secret,
      succession: [],
      member: null,
      epoch: 0,
      admits: "code",
    });
    const member = { id: "tab-1", name: "Kitchen", color: 2 };
    const known = { secret, succession: [], member, epoch: 3, admits: "link" };
    kept.setItem(`tabmesh.room.${CODE}`, JSON.stringify(known));
    keepLink(kept, CODE, secret);
    expect(readKeptRoom(kept, CODE)).toEqual(known);
    keepLink(kept, CODE, other);
    expect(readKeptRoom(kept, CODE)).toEqual({
      secret: other,
      succession: [],
      member: null,
      epoch: 0,
      admits: "code",
    });
    forgetRoom(kept, CODE);
    expect(readKeptRoom(kept, CODE)).toBeNull();
  });

  test("nothing where storage is full or forbidden, and works", () => {
    const full = {
      ...storage(),
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    keepLink(full, CODE, createRoomSecret());
    expect(readKeptRoom(full, CODE)).toBeNull();
  });
});

test("the only tab of a room opens it again with the same secret, id, and lock, in a later epoch", async () => {
  const kept = storage();
  const knownAfter = async (options: TabOptions) => {
    await withRoom(async (room) => {
      keepRoomOf((await room.add("tab", { observes, ...options })).client, kept);
    });
    return readKeptRoom(kept, CODE)!;
  };
  const before = await knownAfter({ byCode: true });
  const { secret, epoch } = before;
  const lastKnown = { epoch, admits: "nobody" } as const;
  expect(await knownAfter({ secret, lastKnown })).toEqual({
    ...before,
    epoch: epoch + 1,
    admits: "nobody",
  });
});

test("a member follows the epochs of the room, so that it can open the room after all others left", async () => {
  await withRoom(async (room) => {
    const kept = storage();
    const first = await room.add("first", { observes });
    const second = await room.add("second", { observes });
    keepRoomOf(second.client, kept);
    first.crash();
    await room.until(({ epoch }) => epoch === 2, "another coordinator");
    expect(readKeptRoom(kept, CODE)).toMatchObject({ member: { id: "second" }, epoch: 2 });
  });
});

test("the name and the color that the room gave it are kept for this room, even if others joined since", async () => {
  await withRoom(async (room) => {
    const kept = storage();
    await room.add("first");
    const before = await room.add("before", { change: { name: "Tab first" } });
    keepRoomOf(before.client, kept);
    const member = () => readKeptRoom(kept, CODE)?.member;
    expect(member()).toEqual({ id: "before", name: "Tab first (2)", color: 1 });
    expect(readKeptRoom(kept, RoomCode.parse("ZZZZZZ"))).toBeNull();
    await before.client.dispatch({ type: "rename", name: "Kitchen" });
    await room.until(({ members }) => members.at(-1)?.name === "Kitchen", "the new name");
    before.crash();
    await room.until(({ members }) => members.length === 1, "it to leave");
    await room.add("other", { change: { color: 2 } });
    const { name, color } = member()!;
    const after = await room.add("after", { change: { name, color } });
    expect(after.client.state.members.at(-1)).toMatchObject({ name: "Kitchen", color: 1 });
  });
});

describe("a tab has", () => {
  const kept = MemberId.parse("kept");
  const taken = (self: MemberId) =>
    self === kept
      ? Promise.reject(new MeshError({ reason: "id_taken", id: self }))
      : Promise.resolve(self);

  test("the id that it had before a reload, and a new one if there is none", async () => {
    expect(await openWithKeptId(kept, (self) => Promise.resolve(self))).toBe(kept);
    expect(await openWithKeptId(null, taken)).toMatch(/^tab-/);
  });

  test("a new id if a copy of the tab has the old one; other failures are passed on", async () => {
    expect(await openWithKeptId(kept, taken)).toMatch(/^tab-/);
    const lost = new MeshError({ reason: "signaling_lost" });
    await expect(openWithKeptId(kept, () => Promise.reject(lost))).rejects.toBe(lost);
  });
});
