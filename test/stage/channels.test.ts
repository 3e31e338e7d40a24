/** The frame channels of a worker. */
import { describe, expect, test } from "vitest";
import { decode, encode, type Frame } from "../../src/mesh/frames.ts";
import { PROTOCOL_VERSION } from "../../src/mesh/packet.ts";
import { memoryFramePorts } from "../../tools/room/memory-transport.ts";
import { GenerationId, MemberId } from "../../src/shared/ids.ts";
import { Channels } from "../../src/stage/channels.ts";
import { StageHost } from "../../src/stage/stage-host.ts";

const quiet = { onSilence: () => undefined };
const [self, peer] = [MemberId.parse("a"), MemberId.parse("mallory")];

test("a peer whose frame does not decode loses its channel", async () => {
  const [ours, theirs] = memoryFramePorts(self, peer);
  const closed = new Promise((resolve) => {
    const onFrame = () => expect.fail("the frame is not valid");
    const channels = new Channels({
      ...quiet,
      onFrame,
      onClose: (...values) => resolve(values),
    });
    channels.setMembers(() => true);
    channels.add(ours);
  });
  await theirs.send(Uint8Array.of(PROTOCOL_VERSION, 99, 0, 0));
  const detail = "a packet of 4 bytes";
  expect(await closed).toEqual([peer, { reason: "protocol_violation", peer, detail }]);
});

test("frames of a peer wait until it is a member, and are not taken when it no longer is one", async () => {
  const [ours, theirs] = memoryFramePorts(self, peer);
  const taken: Frame[] = [];
  const channels = new Channels({
    ...quiet,
    onFrame: (_from, frame) => taken.push(frame),
    onClose: () => expect.fail("the channel stays open"),
  });
  channels.setSelf(self);
  channels.add(ours);
  const end = (id: number): Frame => {
    const generation = GenerationId.parse(id);
    return { type: "end", placement: 1, epoch: 1, generation, reason: "cancelled" };
  };
  await theirs.send(encode(end(1)));
  expect(taken).toEqual([]);
  channels.setMembers(() => true);
  expect(taken).toEqual([end(1)]);
  channels.setMembers(() => false);
  await theirs.send(encode(end(2)));
  expect(taken).toEqual([end(1)]);
});

describe("the frames of a tab that is not a member", () => {
  const end = (id: number): Frame => {
    const generation = GenerationId.parse(id);
    return { type: "end", placement: 1, epoch: 1, generation, reason: "cancelled" };
  };

  /** A stranger's port, what it receives, and the timers of the stage. */
  function strange() {
    const [ours, theirs] = memoryFramePorts(self, peer);
    const timers: (() => void)[] = [];
    const clock = {
      nowMs: () => 0,
      after: (_delayMs: number, act: () => void) => {
        timers.push(act);
        return () => timers.splice(timers.indexOf(act), 1);
      },
    };
    const host = new StageHost(() => expect.fail("no shard is loaded"), clock);
    const received: Frame[] = [];
    theirs.onFrame = (bytes) => received.push(decode(bytes));
    const join = (members: MemberId[]) =>
      host.setRoom(self, { term: "1", members, queued: [], running: [] });
    return { host, ours, theirs, timers, received, join };
  }
  const refused = (generation: number) => ({
    type: "failure",
    generation,
    failure: { reason: "sender_not_member", member: self },
  });

  test("are refused with a reason if it does not become one", async () => {
    const { host, ours, theirs, timers, received, join } = strange();
    await join([self]);
    host.addPort(ours);
    for (const id of [1, 2]) await theirs.send(encode(end(id)));
    expect(received).toEqual([]);
    timers[0]!();
    await theirs.send(encode(end(3)));
    expect(received).toMatchObject([1, 2, 3].map(refused));
  });

  test("are dropped before this tab is in the room", async () => {
    const { host, ours, theirs, timers, received } = strange();
    host.addPort(ours);
    await theirs.send(encode(end(1)));
    timers[0]!();
    expect(received).toEqual([]);
  });

  test("are taken if it becomes one, also after others were refused", async () => {
    const { host, ours, theirs, timers, received, join } = strange();
    await join([self]);
    host.addPort(ours);
    await theirs.send(encode(end(1)));
    timers[0]!();
    await join([self, peer]);
    await theirs.send(encode(end(2))); // held: there is no placement yet
    const empty = { payload: new Uint8Array(0) };
    await theirs.send(
      encode({
        type: "ping",
        nonce: 7,
        echo: false,
        ...empty,
      }),
    );
    expect(received).toMatchObject([refused(1), { type: "pong", nonce: 7 }]);
  });

  test("leave no timer when its channel closes", () => {
    const { host, ours, theirs, timers } = strange();
    host.addPort(ours);
    const before = timers.length;
    theirs.close();
    expect(timers.length).toBe(before - 1);
  });
});
