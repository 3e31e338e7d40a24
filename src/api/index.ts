/** The public API of a room: `joinRoom`, OpenAI-compatible completions, HTTP routes over the bridge. */
export { joinRoom, type PageJoinOptions, type PageRoom } from "./join-room.ts";
export { keepBridge } from "./keep-bridge.ts";
export {
  type ChatMessage,
  type ChatOptions,
  type ChatPart,
  type JoinOptions,
  type JoinProgress,
  type JoinRoom,
  type MemberState,
  type ModelState,
  type PlaceOptions,
  type Reason,
  type Room,
  type RoomState,
  type Stage,
  TabmeshError,
  type TabmeshErrorCode,
} from "./public.ts";
export { readOfferedModels, readServerFacts } from "./server.ts";
export * from "./public.ts";
