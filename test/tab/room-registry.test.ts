/** The room registry as the cluster uses it: which failures are answers, and which end the search. */
import { expect, test } from "vitest";
import { MeshError } from "../../src/mesh/index.ts";
import { type MeshFailure, MemberId, RoomCode } from "../../src/shared/index.ts";
import { openRoomRegistry } from "../../src/tab/room-registry.ts";

const code = RoomCode.parse("ABCDEF");
const [self, other] = [MemberId.parse("self"), MemberId.parse("other")];

function registry(answer: MemberId | MeshFailure, claimable = true) {
  const calls: string[] = [];
  const opened = openRoomRegistry(code, self, {} as never, {
    claimRoom() {
      calls.push("claim");
      return Promise.resolve(
        claimable ? { isHeld: () => true, release: () => void calls.push("release") } : null,
      );
    },
    reachesServer: () => Promise.resolve(true),
    lookUpRoom() {
      calls.push("look up");
      if (typeof answer === "string") return Promise.resolve(answer);
      return Promise.reject(new MeshError(answer));
    },
  });
  return { opened, calls };
}

test("the member that holds the room is found", async () => {
  expect(await registry(other).opened.lookUp()).toBe(other);
});

test("a room that no one holds is null", async () => {
  expect(await registry({ reason: "room_not_found", code }).opened.lookUp()).toBeNull();
});

test("another version of the protocol ends the search", async () => {
  const failure = { reason: "version_mismatch" as const, ours: 2, theirs: 3 };
  await expect(registry(failure).opened.lookUp()).rejects.toMatchObject({
    code: "refused",
    failure,
  });
});

test("other failures are passed on, so that the search tries again", async () => {
  const failure = { reason: "room_timeout" as const, code };
  await expect(registry(failure).opened.lookUp()).rejects.toMatchObject({
    name: "MeshError",
    failure,
  });
});

test("a claimed room is claimed once, found without a look-up, and released", async () => {
  const { opened, calls } = registry(other);
  const answers = [await opened.claim(), await opened.claim(), await opened.lookUp()];
  expect(answers).toEqual([true, true, self]);
  opened.release();
  opened.release();
  expect(calls).toEqual(["claim", "release"]);
});

test("a room that another member holds is not claimed", async () => {
  const { opened } = registry(other, false);
  expect([await opened.claim(), await opened.lookUp()]).toEqual([false, other]);
});
