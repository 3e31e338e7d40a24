/** Who gets into a room, with what, and what it is given. */
import { describe, expect, test } from "vitest";
import { PROTOCOL_VERSION } from "../../src/mesh/frame-types.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";
import type { RoomNotice } from "../../src/shared/room-notice.ts";
import { type TestRoom, withRoom } from "../../tools/room/test-room.ts";

const observes = true;

describe("a newcomer", () => {
  test("with the code gets the room's secret, and can coordinate the room with it", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first", { observes });
      const typed = await room.add("typed", { observes, byCode: true });
      expect(typed.client.secret).toBe(first.client.secret);
      first.crash();
      await room.until(({ coordinator }) => coordinator === typed.id, "a coordinator");
      const next = await room.add("next", { observes, byCode: true });
      expect(next.client.secret).toBe(typed.client.secret);
    });
  });

  test("that opens the room creates a secret", async () => {
    await withRoom(async (room) => {
      const { client } = await room.add("first", { observes, byCode: true });
      expect(client.secret).not.toBe(room.network.secret);
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
