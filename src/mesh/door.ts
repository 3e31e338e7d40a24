/**
 * How a tab with a room's code finds the room: its coordinator holds a second
 * name at the signalling server, made of the code, and tells whoever knocks
 * which member to connect to. Holding the name is also how two tabs that open
 * the same room at once learn which of them is first.
 */
import type { Peer } from "peerjs";
import { type DataConnection, type PeerError } from "peerjs";
import { z } from "zod";
import { MemberId, type RoomCode } from "../shared/ids.ts";
import { MeshError } from "./errors.ts";
import { PROTOCOL_VERSION } from "./frames.ts";
import { versionMismatch } from "./handshake.ts";
import { openPeer, SignallingKeeper, type PeerOptions } from "./signalling.ts";

const DoorAnswer = z.object({ protocol: z.int(), coordinator: MemberId });

export type Door = { readonly kind: "claimed"; release(): void } | { readonly kind: "taken" };

/** The server tells of a name that nobody holds after about 5 s. */
const KNOCK_TIMEOUT_MS = 15_000;
/** The answer needs this long to leave before the door is shut behind it. */
const LINGER_MS = 2000;

/** Taken means that another tab is the room's coordinator: knock instead. */
export async function claimDoor(
  code: RoomCode,
  coordinator: MemberId,
  options: PeerOptions & { readonly protocol?: number },
): Promise<Door> {
  let peer: Peer;
  try {
    peer = await openPeer(doorId(code), options);
  } catch (error) {
    if (error instanceof MeshError && error.reason === "taken") return { kind: "taken" };
    throw error;
  }
  const keeper = new SignallingKeeper(peer);
  const answer = JSON.stringify({ protocol: options.protocol ?? PROTOCOL_VERSION, coordinator });
  peer.on("connection", (connection) => {
    connection.on("open", () => void connection.send(answer));
    setTimeout(() => connection.close(), KNOCK_TIMEOUT_MS);
  });
  return {
    kind: "claimed",
    release: () => {
      keeper.stop();
      peer.destroy();
    },
  };
}

/** The coordinator's id. Rejects with a `MeshError`: `no_room`, `refused` (version), `timeout`. */
export async function knock(code: RoomCode, options: PeerOptions): Promise<MemberId> {
  const peer = await openPeer(`knock-${crypto.randomUUID()}`, options);
  try {
    return await answerOf(peer, code);
  } finally {
    setTimeout(() => peer.destroy(), LINGER_MS);
    peer.disconnect();
  }
}

function answerOf(peer: Peer, code: RoomCode): Promise<MemberId> {
  return new Promise((resolve, reject) => {
    const fail = (kind: MeshError["reason"], message: string) => {
      clearTimeout(timeout);
      reject(new MeshError(kind, message));
    };
    const timeout = setTimeout(() => {
      fail("timeout", `The room ${code} did not answer. Its tab may be closing: try again.`);
    }, KNOCK_TIMEOUT_MS);
    peer.on("error", (error: PeerError<string>) => {
      if (error.type === "peer-unavailable") fail("no_room", noRoom(code));
      else fail("signalling", `The signalling server broke off: ${error.message}`);
    });
    const connection: DataConnection = peer.connect(doorId(code), { serialization: "raw" });
    connection.on("error", () => fail("unreachable", `The room ${code} cannot be reached.`));
    connection.on("data", (data) => {
      clearTimeout(timeout);
      try {
        resolve(parseAnswer(data));
      } catch (error) {
        reject(error instanceof Error ? error : new MeshError("refused", String(error)));
      }
      connection.close();
    });
  });
}

function parseAnswer(data: unknown): MemberId {
  if (typeof data !== "string") throw new MeshError("refused", "The room answered with bytes.");
  const version = z.object({ protocol: z.int() }).safeParse(JSON.parse(data));
  const theirs = version.data?.protocol;
  if (theirs !== undefined && theirs !== PROTOCOL_VERSION)
    throw new MeshError("refused", versionMismatch(PROTOCOL_VERSION, theirs));
  const answer = DoorAnswer.safeParse(JSON.parse(data));
  if (!answer.success) throw new MeshError("refused", "The room's answer makes no sense.");
  return answer.data.coordinator;
}

function noRoom(code: RoomCode): string {
  return `No room ${code} is open. Check the code, or open a room with it: a room lives as long as one of its tabs.`;
}

function doorId(code: RoomCode): string {
  return `tabmesh-${code}`;
}
