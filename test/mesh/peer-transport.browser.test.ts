/** The transport over PeerJS, a real signalling server and real data channels. */
import { afterEach, describe, expect, inject, test } from "vitest";
import { claimDoor, knock } from "../../src/mesh/door.ts";
import { MeshError } from "../../src/mesh/errors.ts";
import { framePort } from "../../src/mesh/frame-port.ts";
import { PROTOCOL_VERSION } from "../../src/mesh/frames.ts";
import { openPeerTransport, type PeerTransport } from "../../src/mesh/peer-transport.ts";
import { openPeer } from "../../src/mesh/signalling.ts";
import type { FramePort } from "../../src/mesh/types.ts";
import { MemberId, ROOM_CODE_ALPHABET, RoomCode } from "../../src/shared/ids.ts";
import { nextEvents, transportSuite } from "./transport-suite.ts";

const server = {
  host: "localhost",
  port: inject("signallingPort"),
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
  const onFrameChannel = (peer: MemberId, channel: RTCDataChannel) =>
    void ports.set(peer, framePort(peer, channel));
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

test("another protocol version is refused on both sides, each in its own words", async () => {
  const [old, young] = await Promise.all([join("old", 1), join("young", 2)]);
  const incoming: string[] = [];
  young.transport.events.onConnect(() => incoming.push("connected"));
  await expect(old.transport.connect(young.transport.self)).rejects.toThrow(
    "This tab speaks protocol 1, the room speaks 2: reload this page",
  );
  expect(young.transport.connectedPeers()).toEqual([]);
  await expect(young.transport.connect(old.transport.self)).rejects.toThrow(
    "This tab speaks protocol 2, the room speaks 1: reload the other tabs",
  );
  expect(incoming).toEqual([]);
});

test("a taken name and a missing server are said in words", async () => {
  const { transport } = await join("a");
  const again = openPeer(transport.self, { server });
  await expect(again).rejects.toThrow(MeshError);
  await expect(again).rejects.toMatchObject({ reason: "taken" });
  const nowhere = openPeer(newId("b"), { server: { ...server, port: 9 } });
  await expect(nowhere).rejects.toThrow(/signalling server at http:\/\/localhost:9\/peerjs/);
});

test("a tab that lost the signalling server registers again, and stays connected", async () => {
  const [a, b, c] = await Promise.all([join("a"), join("b"), join("c")]);
  await a.transport.connect(b.transport.self);
  const changes = nextEvents(a.transport.onSignalling, 2);
  // What a lost network looks like to PeerJS: its socket closes under it.
  const peer = Reflect.get(a.transport, "peer") as { socket: { _socket: WebSocket } };
  peer.socket._socket.close();
  expect(await changes).toEqual([[false], [true]]);
  expect(a.transport.connectedPeers()).toEqual([b.transport.self]);
  await c.transport.connect(a.transport.self);
});

describe("a hostile peer", () => {
  /** Speaks PeerJS, and then whatever it likes on our control channel. */
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
    ["what is no JSON", utf8.encode("\0{"), /sent a message that no tab sends/],
    ["an unknown message", message({ type: "obey" }), /sent a message that no tab sends/],
    ["a slice out of turn", Uint8Array.of(2, 1), /break the protocol: a message out of turn/],
    ["a frame of 4 GB", Uint8Array.of(1, 255, 255, 255, 255, 0), /4294967295 bytes; at most/],
  ])("that sends %s is disconnected with the reason", async (_, bytes, reason) => {
    const { transport } = await join("a");
    const gone = nextEvents(transport.events.onDisconnect);
    const mallory = await hostile(transport.self);
    mallory.control.send(hello(mallory.id));
    mallory.control.send(bytes);
    const [[peer, words]] = (await gone) as [[MemberId, string]];
    expect(peer).toBe(mallory.id);
    expect(words).toMatch(reason);
    expect(transport.connectedPeers()).toEqual([]);
  });

  test("that says it is another is not connected", async () => {
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

describe("a room's door", () => {
  const newCode = () =>
    RoomCode.parse(
      Array.from(crypto.getRandomValues(new Uint8Array(6)), (value) =>
        ROOM_CODE_ALPHABET.charAt(value % ROOM_CODE_ALPHABET.length),
      ).join(""),
    );

  test("is claimed once, tells who is behind it, and is free again after release", async () => {
    const code = newCode();
    const [first, second] = [newId("first"), newId("second")];
    const door = await claimDoor(code, first, { server });
    expect(door.kind).toBe("claimed");
    expect(await claimDoor(code, second, { server })).toEqual({ kind: "taken" });
    expect(await knock(code, { server })).toBe(first);
    if (door.kind === "claimed") door.release();
    let next = await claimDoor(code, second, { server });
    while (next.kind === "taken") next = await claimDoor(code, second, { server });
    expect(await knock(code, { server })).toBe(second);
    next.release();
  });

  test("nobody behind it means a wrong code, in words", async () => {
    const code = newCode();
    const error: unknown = await knock(code, { server }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: "no_room" });
    expect(String(error)).toContain(`No room ${code} is open. Check the code`);
  });

  test("another version behind it is refused in words", async () => {
    const code = newCode();
    const door = await claimDoor(code, newId("a"), { server, protocol: PROTOCOL_VERSION + 1 });
    await expect(knock(code, { server })).rejects.toThrow(/speaks protocol 2, the room speaks 3/);
    if (door.kind === "claimed") door.release();
  });
});
