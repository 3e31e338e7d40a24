/** Back-pressure and order over a channel whose buffer the test drains by hand. */
import { describe, expect, test } from "vitest";
import {
  ChannelFramePort,
  HIGH_WATER_BYTES,
  MAX_EARLY_BYTES,
  WAITING_FRAME_BYTES,
} from "../../src/mesh/frame-port.ts";
import { SLICE_BYTES } from "../../src/mesh/slices.ts";
import { MemberId } from "../../src/shared/ids.ts";
import { SlowChannel } from "./slow-channel.ts";

const PEER = MemberId.parse("peer");

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => (done = true),
    () => (done = true),
  );
  await new Promise((resolve) => setTimeout(resolve, 0));
  return done;
}

test("a small frame goes out at once, before send is awaited", () => {
  const channel = new SlowChannel();
  void new ChannelFramePort(PEER, channel).send(Uint8Array.of(7));
  expect(channel.sent).toEqual([Uint8Array.of(0, 7)]);
});

test("send waits for space, and frames stay in order", async () => {
  const channel = new SlowChannel();
  const port = new ChannelFramePort(PEER, channel);
  const large = port.send(new Uint8Array(3 * HIGH_WATER_BYTES));
  const small = port.send(Uint8Array.of(1));
  expect(await settled(large)).toBe(false);
  expect(channel.bufferedAmount).toBeLessThanOrEqual(HIGH_WATER_BYTES + SLICE_BYTES);
  while (!(await settled(large))) channel.drain();
  expect(await settled(small)).toBe(true);
  expect(channel.sent.at(-1)).toEqual(Uint8Array.of(0, 1));
  expect(channel.sent.filter((message) => message[0] === 0)).toHaveLength(1);
});

test("frames wait for a channel that is still opening", async () => {
  const channel = new SlowChannel();
  channel.readyState = "connecting";
  const sent = new ChannelFramePort(PEER, channel).send(Uint8Array.of(1));
  expect(await settled(sent)).toBe(false);
  channel.change("open", "open");
  await sent;
  expect(channel.sent).toHaveLength(1);
});

test("a waiting sender gets the cause when the channel closes", async () => {
  const channel = new SlowChannel();
  const port = new ChannelFramePort(PEER, channel);
  const causes: unknown[] = [];
  port.onClose = (cause) => causes.push(cause);
  const sent = port.send(new Uint8Array(3 * HIGH_WATER_BYTES));
  channel.close();
  const cause = { reason: "channel_closed" };
  const failure = { reason: "send_failed", peer: PEER, cause };
  await expect(sent).rejects.toMatchObject({ failure });
  await expect(port.send(Uint8Array.of(1))).rejects.toMatchObject({ failure });
  expect(causes).toEqual([cause]);
});

describe("before there is a listener", () => {
  const whole = (bytes: number) => Uint8Array.of(0, ...new Uint8Array(bytes)).buffer;

  test("frames wait, however many they are", () => {
    const channel = new SlowChannel();
    const port = new ChannelFramePort(PEER, channel);
    for (let count = 0; count < 100; count += 1)
      channel.dispatchEvent(new MessageEvent("message", { data: whole(1) }));
    let frames = 0;
    port.onFrame = () => (frames += 1);
    expect(frames).toBe(100);
  });

  test("more bytes than a peer may send close the channel", () => {
    const channel = new SlowChannel();
    const port = new ChannelFramePort(PEER, channel);
    const causes: unknown[] = [];
    port.onClose = (cause) => causes.push(cause);
    const data = whole(1000);
    for (let bytes = 0; bytes <= MAX_EARLY_BYTES; bytes += 1000)
      channel.dispatchEvent(new MessageEvent("message", { data }));
    expect(causes).toMatchObject([{ reason: "protocol_violation", peer: PEER }]);
  });

  test("tiny frames count with the memory of their objects", () => {
    const channel = new SlowChannel();
    const port = new ChannelFramePort(PEER, channel);
    const causes: unknown[] = [];
    port.onClose = (cause) => causes.push(cause);
    const data = whole(0);
    for (let bytes = 0; bytes <= MAX_EARLY_BYTES; bytes += WAITING_FRAME_BYTES)
      channel.dispatchEvent(new MessageEvent("message", { data }));
    expect(causes).toMatchObject([{ reason: "protocol_violation", peer: PEER }]);
  });
});

test("a peer that does not read loses the channel, if the sender does not wait for it", async () => {
  const channel = new SlowChannel();
  const port = new ChannelFramePort(PEER, channel, 100, 10 * WAITING_FRAME_BYTES);
  const causes: unknown[] = [];
  port.onClose = (cause) => causes.push(cause);
  channel.bufferedAmount = HIGH_WATER_BYTES + 1;
  const sent = Promise.allSettled(Array.from({ length: 10 }, () => port.send(Uint8Array.of(1))));
  expect(causes).toMatchObject([{ reason: "protocol_violation", peer: PEER }]);
  expect((await sent).every(({ status }) => status === "rejected")).toBe(true);
});

test("what a peer reads does not count", async () => {
  const channel = new SlowChannel();
  const port = new ChannelFramePort(PEER, channel, 100, 10 * WAITING_FRAME_BYTES);
  for (let count = 0; count < 100; count += 1) await port.send(Uint8Array.of(1));
  expect(channel.readyState).toBe("open");
});

describe("a hostile peer loses the channel, with a detail", () => {
  test.each<[string, unknown, RegExp]>([
    ["text", "hello", /text on a channel for bytes/],
    ["a slice out of order", Uint8Array.of(2, 1).buffer, /out of order/],
    ["a frame above the limit", new Uint8Array(102).buffer, /101 bytes.*100/],
  ])("%s", (_, data, detail) => {
    const channel = new SlowChannel();
    const port = new ChannelFramePort(PEER, channel, 100);
    const events: unknown[] = [];
    port.onClose = (cause) => events.push(cause);
    port.onFrame = () => events.push("a frame");
    channel.dispatchEvent(new MessageEvent("message", { data }));
    channel.dispatchEvent(new MessageEvent("message", { data: Uint8Array.of(0, 1).buffer }));
    expect(events).toEqual([
      { reason: "protocol_violation", peer: PEER, detail: expect.stringMatching(detail) as string },
    ]);
    expect(channel.readyState).toBe("closed");
  });
});
