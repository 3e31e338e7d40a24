/** The public API of a room: `joinRoom`, OpenAI-compatible completions, HTTP routes over the bridge. */
export { joinRoom, type PageJoinOptions, type PageRoom } from "./join-room.ts";
export { keepBridge } from "./keep-bridge.ts";
export { readOfferedModels, readServerFacts } from "./server.ts";
export * from "./public.ts";
