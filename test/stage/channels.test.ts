/** The frame channels of a worker. */
import { describe, expect, test } from "vitest";
import { decode, encode, type Frame } from "../../src/mesh/frames.ts";
import { PROTOCOL_VERSION } from "../../src/mesh/packet.ts";
import { WAITING_FRAME_BYTES } from "../../src/mesh/frame-port.ts";
import type { FramePort } from "../../src/mesh/transport.ts";
import { memoryFramePorts } from "../../tools/room/memory-transport.ts";
import { GenerationId, MemberId } from "../../src/shared/ids.ts";
import type { CloseFailure } from "../../src/shared/mesh-failure.ts";
import { Channels, MAX_UNREAD_BYTES } from "../../src/stage/channels.ts";
import { MAX_WAITING_BYTES } from "../../src/stage/strangers.ts";

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

  /** A stranger's port, what it receives, and the timer of the channels. */
  function strange(id: MemberId | null = self) {
    const [ours, theirs] = memoryFramePorts(self, peer);
    const timers: (() => void)[] = [];
    const clock = {
      nowMs: () => 0,
      after: (_delayMs: number, act: () => void) => {
        timers.push(act);
        return () => timers.splice(timers.indexOf(act), 1);
      },
    };
    const taken: Frame[] = [];
    const causes: CloseFailure[] = [];
    const channels = new Channels(
      {
        ...quiet,
        onFrame: (_from, frame) => taken.push(frame),
        onClose: (_, cause) => causes.push(cause),
      },
      clock,
    );
    if (id !== null) channels.setSelf(id);
    channels.add(ours);
    const received: Frame[] = [];
    theirs.onFrame = (bytes) => received.push(decode(bytes));
    return { channels, theirs, timers, taken, causes, received };
  }

  test("are refused with a reason if it does not become one", async () => {
    const { theirs, timers, taken, received } = strange();
    for (const id of [1, 2]) await theirs.send(encode(end(id)));
    expect(received).toEqual([]);
    timers[0]!();
    await theirs.send(encode(end(3)));
    const failure = { reason: "sender_not_member", member: self };
    const refused = (generation: number) => ({ type: "failure", generation, failure });
    expect(received).toMatchObject([1, 2, 3].map(refused));
    expect(taken).toEqual([]);
  });

  test("are dropped before this tab is in the room", async () => {
    const { theirs, timers, received } = strange(null);
    await theirs.send(encode(end(1)));
    timers[0]!();
    expect(received).toEqual([]);
  });

  test("are taken if it becomes one, also after others were refused", async () => {
    const { channels, theirs, timers, taken } = strange();
    await theirs.send(encode(end(1)));
    timers[0]!();
    channels.setMembers(() => true);
    await theirs.send(encode(end(2)));
    expect(taken).toEqual([end(2)]);
  });

  test("close its channel if they are too many, and leave no timer", async () => {
    const { theirs, timers, causes } = strange();
    await theirs.send(new Uint8Array(MAX_WAITING_BYTES - WAITING_FRAME_BYTES));
    expect(causes).toEqual([]);
    await theirs.send(new Uint8Array(1));
    expect(causes).toMatchObject([{ reason: "protocol_violation", peer }]);
    expect(timers).toEqual([]);
  });
});

test("a peer that does not read its answers loses its channel", () => {
  // A port whose buffer is full: what is sent never leaves.
  const port: FramePort = {
    peer,
    send: () => new Promise(() => undefined),
    onFrame: null,
    onClose: null,
    close: () => undefined,
  };
  const causes: CloseFailure[] = [];
  const channels = new Channels({
    ...quiet,
    onFrame: () => expect.fail("a ping is not for the stage"),
    onClose: (_peer, cause) => causes.push(cause),
  });
  channels.setMembers(() => true);
  channels.add(port);
  const payload = new Uint8Array(MAX_UNREAD_BYTES / 2);
  const ping = { type: "ping", placement: 0, epoch: 0, nonce: 1, echo: true, payload } as const;
  for (let pings = 0; pings < 2; pings += 1) port.onFrame!(encode(ping));
  expect(causes).toMatchObject([{ reason: "protocol_violation", peer }]);
});
