/** The parts of one tab, put together: workers, connections, and the adapter. Used by the library. */
export { checkAdapter } from "./adapter-check.ts";
export { identityOf, keepIdentityOf } from "./identity.ts";
export { forgetRoom, keepLink, keepRoomOf, readKeptRoom } from "./kept-room.ts";
export { keepAwake } from "./wake-lock.ts";
export { openTabParts, type TabParts } from "./tab-parts.ts";
