/** The frame channels of a worker. */
import { expect, test } from "vitest";
import { PROTOCOL_VERSION } from "../../src/mesh/frame-types.ts";
import { memoryFramePorts } from "../../tools/room/memory-transport.ts";
import { MemberId } from "../../src/shared/ids.ts";
import { Channels } from "../../src/stage/channels.ts";

const [self, peer] = [MemberId.parse("a"), MemberId.parse("mallory")];

test("a peer whose frame does not decode loses its channel", async () => {
  const [ours, theirs] = memoryFramePorts(self, peer);
  const closed = new Promise((resolve) => {
    const onFrame = () => expect.fail("the frame is not valid");
    new Channels({ onFrame, onClose: (...values) => resolve(values) }).add(ours);
  });
  await theirs.send(Uint8Array.of(PROTOCOL_VERSION, 99, 0, 0));
  const detail = "unknown frame type 99";
  expect(await closed).toEqual([peer, { reason: "protocol_violation", peer, detail }]);
});
