/**
 * The room registry: the ids `tabmesh-CODE` at the signaling server. A room's
 * coordinator claims its room's id and answers look-ups with its member id. An
 * id can be held once, so of two tabs that open a room at the same time only one
 * becomes the coordinator.
 */
import type { DataConnection, Peer, PeerError } from "peerjs";
import { z } from "zod";
import { MemberId, parseJson, type RoomCode, type MeshFailure } from "../shared/index.ts";
import { PROTOCOL_VERSION } from "./packet.ts";
import { MeshError } from "./mesh-error.ts";
import { keepRegistered, openPeer, refusalOf, type PeerOptions } from "./signaling.ts";

const LookUpAnswer = z.object({ protocol: z.int(), coordinator: MemberId });

export type RoomClaim = {
  /** False once the connection to the server is lost, until it is registered again. */
  isHeld(): boolean;
  release(): void;
};

/** The server reports an id that nobody holds after about 5 s. */
const LOOK_UP_TIMEOUT_MS = 15_000;
/** The look-up's connection closes cleanly within this time. */
const LINGER_MS = 2000;

/** Null if another tab holds the room's id: look it up instead. */
export async function claimRoom(
  code: RoomCode,
  coordinator: MemberId,
  options: PeerOptions & { readonly protocol?: number },
): Promise<RoomClaim | null> {
  let peer: Peer;
  try {
    peer = await openPeer(registryId(code), options);
  } catch (error) {
    if (error instanceof MeshError && error.failure.reason === "id_taken") return null;
    throw error;
  }
  const stopKeeping = keepRegistered(peer);
  const answer = JSON.stringify({ protocol: options.protocol ?? PROTOCOL_VERSION, coordinator });
  peer.on("connection", (connection) => {
    connection.on("open", () => void connection.send(answer));
    setTimeout(() => connection.close(), LOOK_UP_TIMEOUT_MS);
  });
  return {
    isHeld: () => peer.open,
    release: () => {
      stopKeeping();
      peer.destroy();
    },
  };
}

/** Whether the server registers a tab now. */
export async function reachesServer(options: PeerOptions): Promise<boolean> {
  try {
    const peer = await openPeer(`reach-${crypto.randomUUID()}`, options);
    peer.destroy();
    return true;
  } catch {
    return false;
  }
}

/** The coordinator's id. Rejects with a `MeshError`. */
export async function lookUpRoom(
  code: RoomCode,
  options: PeerOptions,
  timeoutMs = LOOK_UP_TIMEOUT_MS,
): Promise<MemberId> {
  const peer = await openPeer(`look-up-${crypto.randomUUID()}`, options);
  try {
    return await answerOf(peer, code, timeoutMs);
  } finally {
    setTimeout(() => peer.destroy(), LINGER_MS);
    peer.disconnect();
  }
}

function answerOf(peer: Peer, code: RoomCode, timeoutMs: number): Promise<MemberId> {
  return new Promise((resolve, reject) => {
    const fail = (failure: MeshFailure) => {
      clearTimeout(timeout);
      reject(new MeshError(failure));
    };
    const timeout = setTimeout(() => fail({ reason: "room_timeout", code }), timeoutMs);
    peer.on("error", (error: PeerError<string>) => {
      const notFound = error.type === "peer-unavailable";
      const otherwise = refusalOf(error) ?? { reason: "room_unreachable", code };
      fail(notFound ? { reason: "room_not_found", code } : otherwise);
    });
    const connection: DataConnection = peer.connect(registryId(code), { serialization: "raw" });
    connection.on("error", () => fail({ reason: "room_unreachable", code }));
    connection.on("data", (data) => {
      const answer = parseAnswer(data, code);
      clearTimeout(timeout);
      if (typeof answer === "string") resolve(answer);
      else fail(answer);
      connection.close();
    });
  });
}

/** Another version may answer differently, so the version is read first. */
export function parseAnswer(data: unknown, code: RoomCode): MemberId | MeshFailure {
  const message = typeof data === "string" ? parseJson(data) : undefined;
  const theirs = z.object({ protocol: z.int() }).safeParse(message).data?.protocol;
  if (theirs !== undefined && theirs !== PROTOCOL_VERSION)
    return { reason: "version_mismatch", ours: PROTOCOL_VERSION, theirs };
  const answer = LookUpAnswer.safeParse(message);
  return answer.data?.coordinator ?? { reason: "invalid_room_answer", code };
}

function registryId(code: RoomCode): string {
  return `tabmesh-${code}`;
}
