/**
 * Joins a room, or opens it if nobody is there: probes the adapter, connects,
 * and keeps the bridge to the server while this tab coordinates. The page and
 * the library's users join by this function.
 */
import {
  checkAdapter,
  keepAwake,
  openTabParts,
  type TabParts,
  defaultName,
  keepLink,
  keepRoomOf,
  readKeptRoom,
} from "../tab/index.ts";
import { RoomClient } from "../cluster/index.ts";
import {
  type TabWarning,
  readInvitation,
  type RoomCode,
  type Measurements,
} from "../shared/index.ts";
import type { ProbeResult } from "../probe/index.ts";
import { ApiProblemError } from "./http/errors.ts";
import { type IceServers, openIceServers } from "./ice-servers.ts";
import { keepBridge } from "./keep-bridge.ts";
import type { JoinOptions, Room } from "./public.ts";
import { createRoom } from "./room.ts";
import { readOfferedModels } from "./server.ts";
import { tabmeshErrorOf } from "./wrap-errors.ts";

/** What only the page of this project needs. */
export type PageJoinOptions = JoinOptions & {
  /** Reject if nobody is in the room, instead of opening it. */
  readonly mustExist?: boolean;
  /** The adapter, if it has been probed already. */
  readonly probe?: Promise<ProbeResult>;
  /** Called with failures that were survived. */
  readonly onWarning?: (warning: TabWarning) => void;
};

export type PageRoom = Room & {
  readonly client: RoomClient;
  readonly parts: TabParts;
  /** Leaves at once, without handing this tab's layers over. */
  readonly close: () => void;
};

const OBSERVER: ProbeResult = {
  adapter: null,
  noAdapter: { reason: "observer" },
  measurements: null,
};

/** Rejects with a `TabmeshError`. */
export async function joinRoom(options: PageJoinOptions): Promise<PageRoom> {
  let parts: TabParts | null = null;
  try {
    const invitation = readInvitation(options.code);
    if (!invitation) throw new ApiProblemError({ reason: "bad_room_code", given: options.code });
    const { code, secret } = invitation;
    if (!/^https?:\/\//.test(options.server) || !URL.canParse(options.server)) {
      const detail = "Invalid input: expected the URL of a Tabmesh server";
      throw new ApiProblemError({ reason: "invalid_value", param: "server", detail });
    }
    if (secret !== null) keepLink(sessionStorage, code, secret);
    const member = readKeptRoom(sessionStorage, code)?.member;
    const { server, mustExist = false, onProgress = () => undefined } = options;
    const probe = await probeOf(options);
    onProgress({ step: "connecting", fraction: null });
    const iceServers = await openIceServers(server, code, options.iceServers);
    parts = await openTabParts({
      code,
      server,
      iceServers: iceServers.list,
      profile: {
        name: options.name ?? member?.name ?? defaultName(probe.adapter, navigator.userAgent),
        color: member?.color ?? 0,
        ...probe,
        device: null,
        shard: null,
      },
      storage: sessionStorage,
      onWarning: options.onWarning ?? (() => undefined),
    });
    return await enter(options, parts, iceServers, { room: code, mustExist });
  } catch (error) {
    parts?.close();
    throw tabmeshErrorOf(error, (id) => id);
  }
}

async function enter(
  { server, model, onProgress, onWarning }: PageJoinOptions,
  parts: TabParts,
  iceServers: IceServers,
  entry: { room: RoomCode; mustExist: boolean },
): Promise<PageRoom> {
  const client = await RoomClient.enter(parts.room, entry);
  const endings = [keepRoomOf(client, sessionStorage), keepAwake(client)];
  const apiRoom = { client, offeredModels: () => readOfferedModels(server) };
  const endBridge = keepBridge(apiRoom, {
    server,
    key: () => client.key,
    onConnection: (connected) => {
      if (connected) void iceServers.refresh();
    },
    onRefused: (refusal) => onWarning?.({ kind: "bridge_refused", refusal }),
  });
  const close = () => {
    endBridge();
    for (const end of endings) end();
    client.leave();
    parts.close();
  };
  const room = createRoom(apiRoom, server, close);
  // `room.state` is a getter, so the properties are added instead of spread.
  const pageRoom = Object.assign(room, { client, parts, close });
  if (model === undefined || room.state.placement !== null) return pageRoom;
  onProgress?.({ step: "placing", fraction: null });
  try {
    await room.place({ model });
    return pageRoom;
  } catch (error) {
    close();
    throw error;
  }
}

async function probeOf({
  observe,
  probe,
  memoryBudgetBytes,
  onProgress,
}: PageJoinOptions): Promise<ProbeResult> {
  if (observe) return OBSERVER;
  const result = await (probe ??
    checkAdapter(false, ({ fraction }) => onProgress?.({ step: "probing", fraction })));
  if (memoryBudgetBytes === undefined || result.measurements === null) return result;
  const measurements: Measurements = { ...result.measurements, memoryBudgetBytes };
  return { ...result, measurements };
}
