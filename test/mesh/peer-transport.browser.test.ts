/** The transport over PeerJS, a real signaling server and real data channels. */
import { afterEach, describe, expect, inject, test, vi } from "vitest";
import { claimRoom, lookUpRoom } from "../../src/mesh/room-registry.ts";
import { createAdmission } from "../../src/mesh/admission.ts";
import { openHandshake } from "../../src/mesh/handshake.ts";
import { fingerprintsOf } from "../../src/mesh/fingerprints.ts";
import { parseJson } from "../../src/shared/parse.ts";
import { MeshError } from "../../src/mesh/mesh-error.ts";
import { ChannelFramePort } from "../../src/mesh/frame-port.ts";
import { PROTOCOL_VERSION } from "../../src/mesh/packet.ts";
import { openPeerTransport, PeerTransport } from "../../src/mesh/peer-transport.ts";
import { openPeer } from "../../src/mesh/signaling.ts";
import type { FramePort } from "../../src/mesh/transport.ts";
import { MemberId, ROOM_CODE_ALPHABET, RoomCode } from "../../src/shared/ids.ts";
import { SYSTEM_CLOCK } from "../../src/shared/clock.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";
import type { CloseFailure } from "../../src/shared/mesh-failure.ts";
import { nextEvents, transportSuite } from "./transport-suite.ts";

const server = `http://localhost:${inject("signalingPort")}`;
const open: PeerTransport[] = [];
afterEach(() => open.splice(0).forEach((transport) => transport.close()));

function newId(name: string): MemberId {
  return MemberId.parse(`${name}-${crypto.randomUUID()}`);
}

const code = RoomCode.parse("ABCDEF");
const secret = createRoomSecret();
const admitted = () => createAdmission(code, secret, SYSTEM_CLOCK);

type Joined = {
  readonly transport: PeerTransport;
  /** The newest frames channel to each peer. */
  readonly ports: Map<MemberId, FramePort>;
  /** Takes new channels in place of `ports`. */
  onChannel: ((channel: RTCDataChannel) => void) | null;
};

/** A transport over a PeerJS peer that the test can disconnect. */
async function joinWithPeer(options: { readonly iceServers?: RTCIceServer[] } = {}) {
  const self = newId("a");
  const peer = await openPeer(self, { server, ...options });
  const onFrameChannel = () => () => undefined;
  const a = new PeerTransport(peer, { self, admission: admitted(), server, onFrameChannel });
  open.push(a);
  return { a, peer };
}

async function join(name: string, protocol?: number): Promise<Joined> {
  const ports = new Map<MemberId, FramePort>();
  const onFrameChannel = (peer: MemberId, channel: RTCDataChannel) => {
    if (joined.onChannel) joined.onChannel(channel);
    else ports.set(peer, new ChannelFramePort(peer, channel));
    return () => undefined;
  };
  const version = protocol === undefined ? {} : { protocol };
  const admission = admitted();
  const transport = await openPeerTransport({
    self: newId(name),
    admission,
    server,
    onFrameChannel,
    ...version,
  });
  open.push(transport);
  const joined: Joined = { transport, ports, onChannel: null };
  return joined;
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

describe("a frames channel that closed while the connection lives", () => {
  /** `a` sends a frame to `b` over the newest channels. */
  async function expectFrames(a: Joined, b: Joined, byte: number) {
    const received = new Promise((resolve) => {
      b.ports.get(a.transport.self)!.onFrame = resolve;
    });
    await a.ports.get(b.transport.self)!.send(Uint8Array.of(byte));
    expect(await received).toEqual(Uint8Array.of(byte));
  }
  const nextPort = (end: Joined, peer: MemberId) => {
    const before = end.ports.get(peer);
    return vi.waitUntil(() => end.ports.get(peer) !== before, { timeout: 10_000 });
  };
  const closed = (port: FramePort) => new Promise((resolve) => (port.onClose = resolve));

  test("is replaced by one side, which tells the other", async () => {
    const [a, b] = await Promise.all([join("a"), join("b")]);
    const [idA, idB] = [a.transport.self, b.transport.self];
    await a.transport.connect(idB);
    for (const byte of [1, 2]) {
      const gone = closed(b.ports.get(idA)!);
      a.ports.get(idB)!.close();
      await gone;
      const both = [nextPort(a, idB), nextPort(b, idA)];
      a.transport.renewFrames(idB);
      await Promise.all(both);
      await expectFrames(a, b, byte);
      await expectFrames(b, a, byte);
    }
  });

  test("is replaced once when both sides begin", async () => {
    const [a, b] = await Promise.all([join("a"), join("b")]);
    const [idA, idB] = [a.transport.self, b.transport.self];
    await a.transport.connect(idB);
    a.ports.get(idB)!.close();
    a.transport.renewFrames(idB);
    b.transport.renewFrames(idA);
    await expectFrames(a, b, 7);
    await expectFrames(b, a, 8);
    expect(a.transport.connectedPeers()).toEqual([idB]);
  });

  test("can be transferred to a worker, as the first one", async () => {
    const [a, b] = await Promise.all([join("a"), join("b")]);
    await a.transport.connect(b.transport.self);
    const channels: RTCDataChannel[] = [];
    const { port1 } = new MessageChannel();
    a.onChannel = (channel) => {
      port1.postMessage(channel, [channel]);
      channels.push(channel);
    };
    a.transport.renewFrames(b.transport.self);
    expect(channels).toHaveLength(1);
  });
});

test("a peer that answers is not dropped as silent", async () => {
  const [a, b] = await Promise.all([join("a"), join("b")]);
  const peer = b.transport.self;
  await a.transport.connect(peer);
  expect(a.transport.dropSilent(peer)).toBe(false);
  const heard = nextEvents(a.transport.events.onMessage);
  a.transport.check(peer);
  await b.transport.send(a.transport.self, "after the answer");
  await heard;
  expect(a.transport.dropSilent(peer)).toBe(false);
  a.transport.check(peer);
  expect(a.transport.dropSilent(peer)).toBe(true);
  expect(a.transport.connectedPeers()).toEqual([]);
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
  const nowhere = openPeer(newId("b"), { server: "http://localhost:9" });
  await expect(nowhere).rejects.toMatchObject({
    failure: { reason: "signaling_unreachable", url: "http://localhost:9/peerjs" },
  });
});

test("a tab that lost the signaling server registers again, and stays connected", async () => {
  const { a, peer } = await joinWithPeer();
  const [b, c] = await Promise.all([join("b"), join("c")]);
  await a.connect(b.transport.self);
  const registered = new Promise((resolve) => peer.once("open", resolve));
  peer.disconnect(); // as after a network loss
  await registered;
  expect(a.connectedPeers()).toEqual([b.transport.self]);
  await c.transport.connect(a.self);
});

test("a call whose offer the lost signaling server has not passed on fails at once", async () => {
  const { a, peer } = await joinWithPeer();
  const { transport: b } = await join("b");
  const registered = new Promise((resolve) => peer.once("open", resolve));
  const call = a.connect(b.self);
  peer.disconnect(); // before the offer is made
  await expect(call).rejects.toMatchObject({ failure: { reason: "signaling_lost" } });
  await registered;
  await a.connect(b.self);
});

test("each connection uses the ICE servers that are in the list by then", async () => {
  const iceServers: RTCIceServer[] = [];
  const { a, peer } = await joinWithPeer({ iceServers });
  const { transport: b } = await join("b");
  iceServers.push({ urls: ["stun:localhost:3478"] });
  await a.connect(b.self);
  const connections = peer.connections as Record<string, { peerConnection: RTCPeerConnection }[]>;
  const [connection] = connections[b.self]!;
  expect(connection!.peerConnection.getConfiguration().iceServers).toMatchObject(iceServers);
});

test("an offer in the name of a connected peer does not end its connection", async () => {
  const { a, peer } = await joinWithPeer();
  const { transport: b } = await join("b");
  await a.connect(b.self);
  const ends: unknown[] = [];
  a.events.onDisconnect((...values) => ends.push(values));

  // As a signaling server would send it, with its own certificate.
  const forged = new RTCPeerConnection();
  forged.createDataChannel("forged");
  await forged.setLocalDescription();
  const taken = new Promise((resolve) => peer.once("connection", resolve));
  const { type, sdp } = forged.localDescription!;
  const payload = { type: "data", connectionId: "dc_forged", serialization: "raw" };
  const offer = { type: "OFFER", src: b.self, payload: { ...payload, sdp: { type, sdp } } };
  peer.socket.emit("message", offer);
  await taken;

  const received = nextEvents(b.events.onMessage);
  await a.send(b.self, "still here");
  expect(await received).toEqual([[a.self, "still here"]]);
  expect(ends).toEqual([]);
  forged.close();
});

test("a peer that calls again, and proves itself, replaces its connection", async () => {
  const { transport: a } = await join("a");
  const self = newId("b");
  const options = { self, admission: admitted(), server, onFrameChannel: () => () => undefined };
  const before = await openPeer(self, { server });
  const first = new PeerTransport(before, options);
  await first.connect(a.self);
  const gone = nextEvents(a.events.onDisconnect);
  // Its tab was reloaded, and the old connection has not been noticed as closed yet.
  before.disconnect();
  // Until the server has noticed that the socket is closed, the id is taken.
  const again = await vi.waitFor(() => openPeerTransport({ ...options, server }), 10_000);
  open.push(again);
  const connected = nextEvents(a.events.onConnect);
  await again.connect(a.self);
  expect(await gone).toEqual([[self, { reason: "replaced_connection" }]]);
  expect(await connected).toEqual([[self]]);
  expect(a.connectedPeers()).toEqual([self]);
  first.close();
});

describe("a hostile peer", () => {
  const utf8 = new TextEncoder();
  const message = (value: unknown) => utf8.encode(`\0${JSON.stringify(value)}`);

  /** Connects with PeerJS and opens the control channel without a handshake. */
  async function hostile(victim: MemberId) {
    const id = newId("mallory");
    const peer = await openPeer(id, { server });
    const connection = peer.connect(victim, { serialization: "raw", reliable: true });
    const { peerConnection } = connection;
    const control = peerConnection.createDataChannel("c", { negotiated: true, id: 10 });
    control.binaryType = "arraybuffer";
    await new Promise((resolve) => control.addEventListener("open", resolve));
    return { id, control, peerConnection };
  }

  /** Goes through the handshake with `holding` as the room's secret; resolves once proven. */
  async function prove(
    { id, control, peerConnection }: Awaited<ReturnType<typeof hostile>>,
    peer: MemberId,
    holding = secret,
    claimed = id,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const handshake = openHandshake({
        self: claimed,
        peer,
        role: "caller",
        protocol: PROTOCOL_VERSION,
        admission: createAdmission(code, holding, SYSTEM_CLOCK),
        fingerprints: () => fingerprintsOf(peerConnection),
        tell: (value) => control.send(message(value)),
        onProven: () => resolve(),
        onRefused: ({ reason }) => reject(new Error(reason)),
      });
      control.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer>) =>
        handshake.receive(parseJson(new Uint8Array(data, 1))),
      );
      control.addEventListener("close", () => reject(new Error("closed")));
      handshake.start();
    });
  }

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ["invalid JSON", utf8.encode("\0{"), /unknown control message/],
    ["an unknown message", message({ type: "obey" }), /unknown control message/],
    ["a slice out of order", Uint8Array.of(2, 1), /out of order/],
    ["a frame of 4 GB", Uint8Array.of(1, 255, 255, 255, 255, 0), /4294967295 bytes/],
  ])("that sends %s is disconnected with a detail", async (_, bytes, detail) => {
    const { transport } = await join("a");
    const gone = nextEvents(transport.events.onDisconnect);
    const mallory = await hostile(transport.self);
    await prove(mallory, transport.self);
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

  test.each<[string, CloseFailure["reason"], (mallory: Hostile, victim: MemberId) => unknown]>([
    [
      "that skips the handshake",
      "not_tabmesh",
      ({ control }) => control.send(message({ type: "message", body: "let me in" })),
    ],
    [
      "that skips the proof",
      "protocol_violation",
      ({ id, control }) => {
        const nonce = "0".repeat(64);
        const hello = { protocol: PROTOCOL_VERSION, member: id, nonce, holds: "secret" };
        control.send(message({ type: "hello", ...hello }));
        control.send(message({ type: "message", body: "let me in" }));
      },
    ],
    [
      "without the secret",
      "wrong_secret",
      // It skips the check of the victim's proof, which it cannot pass.
      ({ id, control }) => {
        const nonce = "0".repeat(64);
        const hello = { protocol: PROTOCOL_VERSION, member: id, nonce, holds: "secret" };
        control.send(message({ type: "hello", ...hello }));
        control.send(message({ type: "proof", mac: nonce }));
      },
    ],
    [
      "that claims another id",
      "other_identity",
      (mallory, victim) => prove(mallory, victim, secret, newId("somebody-else")).catch(() => 0),
    ],
  ])("%s is closed, and nothing of it arrives", async (_, reason, attack) => {
    const { transport } = await join("a");
    const heard: unknown[] = [];
    transport.events.onConnect((peer) => heard.push(peer));
    transport.events.onMessage((peer) => heard.push(peer));
    const refused = nextEvents(transport.events.onRefuse);
    const mallory = await hostile(transport.self);
    const closed = new Promise((resolve) => mallory.control.addEventListener("close", resolve));
    attack(mallory, transport.self);
    const [[peer, cause]] = (await refused) as [[MemberId, CloseFailure]];
    expect([peer, cause.reason]).toEqual([mallory.id, reason]);
    await closed;
    expect(heard).toEqual([]);
  });

  type Hostile = Awaited<ReturnType<typeof hostile>>;
});

test("a newcomer with the code is connected to the tab that checks codes, and proven by it", async () => {
  const { transport } = await join("a");
  const checking = admitted();
  checking.refuseCodes = () => null;
  const a = await openPeerTransport({
    self: newId("coordinator"),
    admission: checking,
    server,
    onFrameChannel: () => () => undefined,
  });
  const newcomer = await openPeerTransport({
    self: newId("newcomer"),
    admission: createAdmission(code, null, SYSTEM_CLOCK),
    server,
    onFrameChannel: () => () => undefined,
  });
  open.push(a, newcomer);
  await newcomer.connect(a.self);
  expect([newcomer.provenBy(a.self), a.provenBy(newcomer.self)]).toEqual(["code", "code"]);
  await transport.connect(a.self);
  expect(transport.provenBy(a.self)).toBe("secret");
  await expect(newcomer.connect(transport.self)).rejects.toMatchObject({
    failure: { reason: "code_not_checked_here", peer: transport.self },
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
