import { expect, test } from "vitest";
import type { BridgeRefusal } from "../../src/shared/bridge.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import { describeBridgeRefusal, describeNotice } from "../../src/words/index.ts";

const room = RoomCode.parse("ABCDEF");

test.each<[BridgeRefusal, string]>([
  [
    { reason: "version_mismatch", server: 3, page: 2 },
    "The server uses version 3 of the bridge, and the page version 2. Reload the page to get the newer version.",
  ],
  [
    { reason: "version_mismatch", server: 2, page: 3 },
    "The server uses version 2 of the bridge, and the page version 3. Restart the server with the newer version.",
  ],
  [{ reason: "invalid_message" }, "The server did not understand this tab's message."],
  [
    { reason: "claim_timeout", timeoutMs: 10_000 },
    "This tab did not prove within 10 s that it is in the room.",
  ],
  [
    { reason: "wrong_key", room },
    "Another room with the code ABCDEF uses this server. The code becomes free ten minutes after that room's tabs are closed; a new room gets another code.",
  ],
  [
    { reason: "invalid_signature", room },
    "This tab's proof that it is in the room ABCDEF is not valid.",
  ],
  [
    { reason: "epoch_passed", room, epoch: 2, last: 5, by: MemberId.parse("a"), held: true },
    "Another tab has become the coordinator of room ABCDEF: epoch 5 has begun, and this tab is in epoch 2.",
  ],
  [
    { reason: "epoch_too_high", room, epoch: 99, highest: 17 },
    "This tab is in epoch 99 of room ABCDEF, and the server accepts at most 17 now.",
  ],
  [{ reason: "too_many_rooms", maxRooms: 1024 }, "The server has 1024 rooms and takes no more."],
  [
    { reason: "rate_limited", retryAfterS: 2 },
    "There were too many attempts from this address. This tab tries again in 2 s.",
  ],
  [
    { reason: "replaced", room, epoch: 5, by: MemberId.parse("a") },
    "Another tab has become the coordinator of room ABCDEF in epoch 5.",
  ],
])("%j", (refusal, sentence) => {
  expect(describeBridgeRefusal(refusal)).toBe(sentence);
});

test("a refusal in the page says what does not work", () => {
  const warning = { kind: "bridge_refused", refusal: { reason: "invalid_message" } } as const;
  expect(describeNotice({ kind: "warning", warning }, (id) => id).message).toBe(
    "The room's HTTP API is not available. The server did not understand this tab's message.",
  );
});
