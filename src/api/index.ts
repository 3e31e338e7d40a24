/** The public API of a room: `joinRoom`, OpenAI-compatible completions, HTTP routes over the bridge. */
export {
  type JoinOptions,
  type JoinProgress,
  joinRoom,
  type PageJoinOptions,
  type PageRoom,
} from "./join-room.ts";
export { keepBridge } from "./keep-bridge.ts";
export type { ChatOptions, ChatPart, PlaceOptions, Room } from "./room.ts";
export { readOfferedModels, readServerFacts } from "./server.ts";
export { TabmeshError, type TabmeshErrorCode } from "./tabmesh-error.ts";
