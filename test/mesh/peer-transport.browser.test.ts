/** The transport over PeerJS, a real signaling server and real data channels. */
import { afterEach, describe, expect, inject, test } from "vitest";
import { claimRoom, lookUpRoom } from "../../src/mesh/room-registry.ts";
import { MeshError } from "../../src/mesh/mesh-error.ts";
import { framePort } from "../../src/mesh/frame-port.ts";
import { PROTOCOL_VERSION } from "../../src/mesh/frame-types.ts";
import { openPeerTransport, PeerTransport } from "../../src/mesh/peer-transport.ts";
import { openPeer } from "../../src/mesh/signaling.ts";
import type { FramePort } from "../../src/mesh/transport.ts";
import { MemberId, ROOM_CODE_ALPHABET, RoomCode } from "../../src/shared/ids.ts";
import type { CloseFailure } from "../../src/shared/mesh-failure.ts";
import { nextEvents, transportSuite } from "./transport-suite.ts";

const server = {
  host: "localhost",
  port: inject("signalingPort"),
  path: "/peerjs",
  secure: false,
};
const open: PeerTransport[] = [];
afterEach(() => open.splice(0).forEach((transport) => transport.close()));

function newId(name: string): MemberId {
  return MemberId.parse(`${name}-${crypto.randomUUID()}`);
}

async function join(
  name: string,
  protocol?: number,
): Promise<{ transport: PeerTransport; ports: Map<MemberId, FramePort> }> {
  const ports = new Map<MemberId, FramePort>();
  const onFrameChannel = (peer: MemberId, channel: RTCDataChannel) => {
    ports.set(peer, framePort(peer, channel));
    return () => undefined;
  };
  const version = protocol === undefined ? {} : { protocol };
  const transport = await openPeerTransport({
    self: newId(name),
    server,
    onFrameChannel,
    ...version,
  });
  open.push(transport);
  return { transport, ports };
}

transportSuite("PeerJS", async () => {
  const [a, b] = await Promise.all([join("a"), join("b")]);
  return [a.transport, b.transport];
});

test("each side gets a frame channel to the other", async () => {
  const [a, b] = await Promise.all([join("a"), join("b")]);
  await a.transport.connect(b.transport.self);
  const received = new Promise((resolve) => {
    b.ports.get(a.transport.self)!.onFrame = resolve;
  });
  await a.ports.get(b.transport.self)!.send(new Uint8Array(300_000).fill(9));
  expect(await received).toEqual(new Uint8Array(300_000).fill(9));
});

test("another protocol version is refused on both sides", async () => {
  const [old, young] = await Promise.all([join("old", 1), join("young", 2)]);
  const incoming: string[] = [];
  young.transport.events.onConnect(() => incoming.push("connected"));
  await expect(old.transport.connect(young.transport.self)).rejects.toMatchObject({
    failure: { reason: "version_mismatch", ours: 1, theirs: 2 },
  });
  expect(young.transport.connectedPeers()).toEqual([]);
  await expect(young.transport.connect(old.transport.self)).rejects.toMatchObject({
    failure: { reason: "version_mismatch", ours: 2, theirs: 1 },
  });
  expect(incoming).toEqual([]);
});

test("a taken id and a missing server reject with their reasons", async () => {
  const { transport } = await join("a");
  const again = openPeer(transport.self, { server });
  await expect(again).rejects.toThrow(MeshError);
  await expect(again).rejects.toMatchObject({
    failure: { reason: "id_taken", id: transport.self },
  });
  const nowhere = openPeer(newId("b"), { server: { ...server, port: 9 } });
  await expect(nowhere).rejects.toMatchObject({
    failure: { reason: "signaling_unreachable", url: "http://localhost:9/peerjs" },
  });
});

test("a tab that lost the signaling server registers again, and stays connected", async () => {
  const self = newId("a");
  const peer = await openPeer(self, { server });
  const a = new PeerTransport(peer, { self, server, onFrameChannel: () => () => undefined });
  open.push(a);
  const [b, c] = await Promise.all([join("b"), join("c")]);
  await a.connect(b.transport.self);
  const registered = new Promise((resolve) => peer.once("open", resolve));
  peer.disconnect(); // as after a network loss
  await registered;
  expect(a.connectedPeers()).toEqual([b.transport.self]);
  await c.transport.connect(self);
});

describe("a hostile peer", () => {
  /** Connects with PeerJS and opens the control channel without a handshake. */
  async function hostile(victim: MemberId): Promise<{ id: MemberId; control: RTCDataChannel }> {
    const id = newId("mallory");
    const peer = await openPeer(id, { server });
    const connection = peer.connect(victim, { serialization: "raw", reliable: true });
    const control = connection.peerConnection.createDataChannel("c", { negotiated: true, id: 10 });
    await new Promise((resolve) => control.addEventListener("open", resolve));
    return { id, control };
  }
  const utf8 = new TextEncoder();
  const message = (value: unknown) => utf8.encode(`\0${JSON.stringify(value)}`);
  const hello = (member: string) => message({ type: "hello", protocol: PROTOCOL_VERSION, member });

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ["invalid JSON", utf8.encode("\0{"), /unknown control message/],
    ["an unknown message", message({ type: "obey" }), /unknown control message/],
    ["a slice out of order", Uint8Array.of(2, 1), /out of order/],
    ["a frame of 4 GB", Uint8Array.of(1, 255, 255, 255, 255, 0), /4294967295 bytes/],
  ])("that sends %s is disconnected with a detail", async (_, bytes, detail) => {
    const { transport } = await join("a");
    const gone = nextEvents(transport.events.onDisconnect);
    const mallory = await hostile(transport.self);
    mallory.control.send(hello(mallory.id));
    mallory.control.send(bytes);
    const [[peer, cause]] = (await gone) as [[MemberId, CloseFailure]];
    expect(peer).toBe(mallory.id);
    expect(cause).toEqual({
      reason: "protocol_violation",
      peer: mallory.id,
      detail: expect.stringMatching(detail) as string,
    });
    expect(transport.connectedPeers()).toEqual([]);
  });

  test("that claims another id is not connected", async () => {
    const { transport } = await join("a");
    const connected: MemberId[] = [];
    transport.events.onConnect((peer) => connected.push(peer));
    const mallory = await hostile(transport.self);
    const closed = new Promise((resolve) => mallory.control.addEventListener("close", resolve));
    mallory.control.send(hello("somebody-else"));
    await closed;
    expect(connected).toEqual([]);
  });
});

describe("the room registry", () => {
  const newCode = () =>
    RoomCode.parse(
      Array.from(crypto.getRandomValues(new Uint8Array(6)), (value) =>
        ROOM_CODE_ALPHABET.charAt(value % ROOM_CODE_ALPHABET.length),
      ).join(""),
    );

  test("a room is claimed once, is looked up by its code, and is free after release", async () => {
    const code = newCode();
    const [first, second] = [newId("first"), newId("second")];
    const claim = await claimRoom(code, first, { server });
    expect(claim).not.toBeNull();
    expect(await claimRoom(code, second, { server })).toBeNull();
    expect(await lookUpRoom(code, { server })).toBe(first);
    claim?.release();
    let next = await claimRoom(code, second, { server });
    while (next === null) next = await claimRoom(code, second, { server });
    expect(await lookUpRoom(code, { server })).toBe(second);
    next.release();
  });

  test("looking up a room that is not open rejects", async () => {
    const code = newCode();
    await expect(lookUpRoom(code, { server })).rejects.toMatchObject({
      failure: { reason: "room_not_found", code },
    });
  });

  test("looking up a room of another version rejects", async () => {
    const code = newCode();
    const theirs = PROTOCOL_VERSION + 1;
    const claim = await claimRoom(code, newId("a"), { server, protocol: theirs });
    await expect(lookUpRoom(code, { server })).rejects.toMatchObject({
      failure: { reason: "version_mismatch", ours: PROTOCOL_VERSION, theirs },
    });
    claim?.release();
  });
});
