/**
 * A signaling server that stands between two tabs: it gives each of them a connection to itself, with
 * its own certificates, and relays what they say. Real connections; only the introduction by PeerJS is
 * replaced by the test's own, which is what such a server would do.
 */
import type { DataConnection } from "peerjs";
import { afterEach, describe, expect, test } from "vitest";
import { type Admission, createAdmission, type ProvenBy } from "../../src/mesh/admission.ts";
import { PROTOCOL_VERSION } from "../../src/mesh/packet.ts";
import { PeerLink } from "../../src/mesh/peer-link.ts";
import { SYSTEM_CLOCK } from "../../src/shared/clock.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import type { CloseFailure } from "../../src/shared/mesh-failure.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";

const [A, B] = [MemberId.parse("a"), MemberId.parse("b")];
const code = RoomCode.parse("ABCDEF");
const secret = createRoomSecret();
const withSecret = () => createAdmission(code, secret, SYSTEM_CLOCK);
const withCode = () => createAdmission(code, null, SYSTEM_CLOCK);
function coordinator(): Admission {
  const admission = withSecret();
  admission.refuseCodes = () => null;
  return admission;
}

const open: RTCPeerConnection[] = [];
afterEach(() => open.splice(0).forEach((connection) => connection.close()));

function connection(): RTCPeerConnection {
  const made = new RTCPeerConnection();
  open.push(made);
  return made;
}

/** What a signaling server does for two tabs. Their channels exist already. */
async function introduce(caller: RTCPeerConnection, callee: RTCPeerConnection): Promise<void> {
  await callee.setRemoteDescription(await described(caller));
  await caller.setRemoteDescription(await described(callee));
}

/** Its description with all of its addresses. */
async function described(side: RTCPeerConnection): Promise<RTCSessionDescription> {
  const gathered = new Promise<void>((resolve) => {
    side.addEventListener("icegatheringstatechange", () => {
      if (side.iceGatheringState === "complete") resolve();
    });
  });
  await side.setLocalDescription();
  await gathered;
  return side.localDescription!;
}

type End = { readonly outcome: Promise<ProvenBy | CloseFailure>; readonly heard: unknown[] };

/** A tab's end of a connection, as the transport makes it. */
function tab(peerConnection: RTCPeerConnection, outgoing: boolean, admission: Admission): End {
  const heard: unknown[] = [];
  const introduced = { peerConnection, on: () => undefined, close: () => undefined };
  const outcome = new Promise<ProvenBy | CloseFailure>((resolve) => {
    new PeerLink(introduced as unknown as DataConnection, outgoing ? B : A, outgoing, {
      self: outgoing ? A : B,
      protocol: PROTOCOL_VERSION,
      admission,
      clock: SYSTEM_CLOCK,
      onFrameChannel: () => () => heard.push("frames are open"),
      onReady: (link) => resolve(link.provenBy!),
      onGone: (_link, cause) => resolve(cause),
      onMessage: (_link, message) => heard.push(message),
      onBytes: (_link, bytes) => heard.push(bytes),
    });
  });
  return { outcome, heard };
}

/** Relays every message of the control channels. */
function relay(one: RTCPeerConnection, other: RTCPeerConnection): void {
  const [first, second] = [one, other].map((each) => {
    const channel = each.createDataChannel("control", { negotiated: true, id: 10 });
    channel.binaryType = "arraybuffer";
    return channel;
  }) as [RTCDataChannel, RTCDataChannel];
  const pass = (from: RTCDataChannel, to: RTCDataChannel) => {
    const waiting: ArrayBuffer[] = [];
    to.addEventListener("open", () => waiting.splice(0).forEach((data) => to.send(data)));
    from.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer>) => {
      if (to.readyState === "open") to.send(data);
      else waiting.push(data);
    });
  };
  pass(first, second);
  pass(second, first);
}

describe.each<[ProvenBy, () => Admission, () => Admission, CloseFailure["reason"]]>([
  ["secret", withSecret, withSecret, "wrong_secret"],
  ["code", withCode, coordinator, "wrong_code"],
])("two tabs that prove the %s", (provenBy, ofCaller, ofCallee, reason) => {
  test("are connected if nobody is in between", async () => {
    const [caller, callee] = [connection(), connection()];
    const ends = [tab(caller, true, ofCaller()), tab(callee, false, ofCallee())];
    await introduce(caller, callee);
    expect(await Promise.all(ends.map(({ outcome }) => outcome))).toEqual([provenBy, provenBy]);
  });

  test("notice a man in the middle, and give him nothing", async () => {
    const [caller, callee, toCaller, toCallee] = [1, 2, 3, 4].map(connection) as [
      RTCPeerConnection,
      RTCPeerConnection,
      RTCPeerConnection,
      RTCPeerConnection,
    ];
    const ends = [tab(caller, true, ofCaller()), tab(callee, false, ofCallee())];
    relay(toCaller, toCallee);
    await Promise.all([introduce(caller, toCaller), introduce(toCallee, callee)]);
    const outcomes = await Promise.all(ends.map(({ outcome }) => outcome));
    // Who notices first tells the other side, through the man in the middle.
    expect(outcomes).toEqual([{ reason }, { reason }]);
    expect(ends.map(({ heard }) => heard)).toEqual([[], []]);
  });
});
