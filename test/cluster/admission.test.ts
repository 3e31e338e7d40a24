/** Who gets into a room, with what, and what it is given. */
import { describe, expect, test } from "vitest";
import { GUESS_BURST } from "../../src/mesh/admission.ts";
import { PROTOCOL_VERSION } from "../../src/mesh/packet.ts";
import { roomFailureOf } from "../../src/shared/room-error.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";
import type { RoomNotice } from "../../src/shared/room-notice.ts";
import { type TestRoom, withRoom } from "../../tools/room/test-room.ts";

const observes = true;

describe("a room that admits newcomers", () => {
  const known = { observes, byCode: false };

  test.each([
    ["link", { byCode: true }, "link_needed"],
    ["nobody", { byCode: true }, "room_locked"],
    ["nobody", { byCode: false }, "room_locked"],
  ] as const)("by %s refuses one with %o, and says why", async (admits, options, reason) => {
    await withRoom(async (room) => {
      const { client } = await room.add("first", { observes });
      await client.dispatch({ type: "change_admission", admits });
      await expect(room.add("late", { observes, ...options })).rejects.toMatchObject({
        code: "refused",
        failure: { reason },
      });
      expect(client.state).toMatchObject({ admits, members: [{ id: "first" }] });
      await client.dispatch({ type: "change_admission", admits: "code" });
      await room.add("late", { observes, ...options });
    });
  });

  test("by its link admits one with the link", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("first", { observes });
      await client.dispatch({ type: "change_admission", admits: "link" });
      await room.add("second", known);
      expect(client.state.members).toHaveLength(2);
    });
  });

  test("not at all stays so under the next coordinator, and members that reload come back", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first", { observes });
      await room.add("second", { observes, byCode: true });
      const third = await room.add("third", { observes });
      await first.client.dispatch({ type: "change_admission", admits: "nobody" });
      await room.until(({ admits }) => admits === "nobody", "the lock");
      first.crash();
      await room.until(({ members }) => members.length === 2, "the first one to leave");
      await room.add("first", known);
      await room.until(({ members }) => members.length === 3, "the first one to be back");
      third.crash();
      await room.until(({ members }) => members.length === 2, "the third one to leave");
      await expect(room.add("third", { observes, byCode: true })).rejects.toMatchObject({
        failure: { reason: "room_locked" },
      });
      await room.add("third", known);
      await expect(room.add("stranger", known)).rejects.toMatchObject({
        failure: { reason: "room_locked" },
      });
    });
  });

  test("is changed by one event, and not by the same command again", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("first", { observes });
      await client.dispatch({ type: "change_admission", admits: "link" });
      const { nextIndex } = client.state;
      await client.dispatch({ type: "change_admission", admits: "link" });
      expect(client.state.nextIndex).toBe(nextIndex);
    });
  });
});

test("someone who tries codes is refused with the time to wait, and reported once; links still admit", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("first", { observes });
    const notices: RoomNotice[] = [];
    client.onNotice((notice) => notices.push(notice));
    const guess = { observes, byCode: true, tab: { certificateOf: () => "mallory's" } };
    const reasons: unknown[] = [];
    for (let count = 0; count < GUESS_BURST + 2; count++) {
      await room.add(`guess-${count}`, guess).catch((error: unknown) => {
        reasons.push(roomFailureOf(error).reason);
      });
    }
    const wrong = new Array<string>(GUESS_BURST).fill("wrong_code");
    expect(reasons).toEqual([...wrong, "too_many_guesses", "too_many_guesses"]);
    expect(notices).toMatchObject([
      { kind: "newcomer_refused", refusal: { reason: "too_many_guesses" } },
    ]);
    await room.add("linked", { observes });
    expect(client.state.members).toHaveLength(2);
  });
});

describe("a newcomer", () => {
  test("with the code gets the room's secret, and can coordinate the room with it", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first", { observes });
      const typed = await room.add("typed", { observes, byCode: true });
      expect(typed.client.key.secret).toBe(first.client.key.secret);
      first.crash();
      await room.until(({ coordinator }) => coordinator === typed.id, "a coordinator");
      const next = await room.add("next", { observes, byCode: true });
      expect(next.client.key.secret).toBe(typed.client.key.secret);
    });
  });

  test("that opens the room creates a secret", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("first", { observes, byCode: true });
      expect(client.key.secret).not.toBe(room.network.secret);
    });
  });

  test.each<[string, Parameters<TestRoom["add"]>[1], string]>([
    ["a link of another room", { secret: createRoomSecret() }, "wrong_secret"],
    ["someone in between", { tab: { certificateOf: () => "mallory's" } }, "wrong_secret"],
    [
      "the code and someone in between",
      { byCode: true, tab: { certificateOf: () => "x" } },
      "wrong_code",
    ],
  ])("with %s is refused at once", async (_, options, reason) => {
    await withRoom(async (room) => {
      const { client } = await room.add("first", { observes });
      await expect(room.add("lost", { observes, ...options })).rejects.toMatchObject({
        code: "refused",
        failure: { reason },
      });
      expect(client.state.members).toHaveLength(1);
    });
  });

  test.each([1, -1])(
    "of a protocol version %i away is refused at once, on both sides",
    async (step) => {
      await withRoom(async (room) => {
        const { client } = await room.add("first", { observes });
        const notices: RoomNotice[] = [];
        client.onNotice((notice) => notices.push(notice));
        const protocol = PROTOCOL_VERSION + step;
        const mismatch = (ours: number, theirs: number) => ({
          reason: "version_mismatch",
          ours,
          theirs,
        });
        await expect(room.add("lost", { observes, tab: { protocol } })).rejects.toMatchObject({
          code: "refused",
          failure: {
            reason: "version_mismatch",
          },
        });
        expect(notices).toEqual([
          { kind: "newcomer_refused", refusal: mismatch(PROTOCOL_VERSION, protocol) },
        ]);
      });
    },
  );
});
