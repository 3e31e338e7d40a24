/** The parts of one tab, put together: workers, connections, and the adapter. Used by the library. */
export { checkAdapter } from "./adapter-check.ts";
export { defaultName } from "./default-name.ts";
export { forgetRoom, keepLink, keepRoomOf, readKeptRoom, type RoomStorage } from "./kept-room.ts";
export { keepAwake } from "./wake-lock.ts";
export { openTabParts, type TabParts } from "./tab-parts.ts";
