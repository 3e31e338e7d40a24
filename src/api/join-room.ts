/**
 * What other people's pages import: join a room, ask it as one asks OpenAI, see
 * its state. The parts of the tab (transport, workers) are handed in, as
 * `main.ts` makes them.
 *
 * ```ts
 * const room = await joinRoom({ room: "ABCDEF", parts, server: location.origin });
 * const answer = await room.chatCompletions({ messages: [{ role: "user", content: "Hello" }] });
 * for await (const chunk of room.chatCompletions.stream({ messages })) …
 * ```
 */
import type { RoomParts } from "../cluster/parts.ts";
import { RoomClient } from "../cluster/room-client.ts";
import { RoomCode } from "../shared/ids.ts";
import { keepBridge } from "./keep-bridge.ts";
import { ApiError, completionsOf, type Completions } from "./completions-api.ts";
import type { HttpRoom, OfferedModel } from "./http/message.ts";

export { ApiError };

export type JoinOptions = {
  /** Six characters, in any case. */
  readonly room: string;
  readonly parts: RoomParts;
  /** Reject when nobody is in the room, instead of opening it. */
  readonly mustExist?: boolean;
  /** The Tabmesh server whose HTTP API this tab answers while it coordinates; none without it. */
  readonly server?: string;
  /** Models that can be loaded by name, besides those that the room knows. */
  readonly offeredModels?: () => Promise<readonly OfferedModel[]>;
};

export type JoinedRoom = {
  /** State, subscriptions, commands and answers, event by event. */
  readonly client: RoomClient;
  /** As `POST /v1/chat/completions`. */
  readonly chatCompletions: Completions;
  /** As `POST /v1/completions`. */
  readonly completions: Completions;
  leave(): void;
};

/** Rejects with an error in words: a malformed code, an empty room, another protocol version. */
export async function joinRoom({
  room,
  parts,
  mustExist = false,
  server,
  offeredModels = () => Promise.resolve([]),
}: JoinOptions): Promise<JoinedRoom> {
  const code = RoomCode.safeParse(room);
  if (!code.success) {
    throw new ApiError(400, "bad_room_code", code.error.issues[0]?.message ?? "bad room code");
  }
  const client = await RoomClient.enter(parts, { room: code.data, mustExist });
  const http: HttpRoom = { client, offeredModels };
  const stopBridge = server === undefined ? () => undefined : keepBridge(http, { server });
  return {
    client,
    chatCompletions: completionsOf(http, "/v1/chat/completions"),
    completions: completionsOf(http, "/v1/completions"),
    leave() {
      stopBridge();
      client.leave();
    },
  };
}
