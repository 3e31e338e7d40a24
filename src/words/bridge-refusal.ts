/** Why a server does not relay HTTP requests to a room's coordinator. */
import type { BridgeRefusal } from "../shared/index.ts";
import { namelessDescriber } from "./sentences.ts";

export const describeBridgeRefusal = namelessDescriber<BridgeRefusal>({
  version_mismatch: ({ server, page }) =>
    `The server uses version ${server} of the bridge, and the page version ${page}. ${
      page < server
        ? "Reload the page to get the newer version."
        : "Restart the server with the newer version."
    }`,
  invalid_message: () => "The server did not understand this tab's message.",
  claim_timeout: ({ timeoutMs }) =>
    `This tab did not prove within ${timeoutMs / 1000} s that it is in the room.`,
  wrong_key: ({ room }) =>
    `Another room with the code ${room} uses this server. The code becomes free ten minutes after that room's tabs are closed; a new room gets another code.`,
  invalid_signature: ({ room }) => `This tab's proof that it is in the room ${room} is not valid.`,
  epoch_passed: ({ room, epoch, last }) =>
    `Another tab has become the coordinator of room ${room}: epoch ${last} has begun, and this tab is in epoch ${epoch}.`,
  epoch_too_high: ({ room, epoch, highest }) =>
    `This tab is in epoch ${epoch} of room ${room}, and the server accepts at most ${highest} now.`,
  too_many_rooms: ({ maxRooms }) => `The server has ${maxRooms} rooms and takes no more.`,
  rate_limited: ({ retryAfterS }) =>
    `There were too many attempts from this address. This tab tries again in ${retryAfterS} s.`,
  replaced: ({ room, epoch }) =>
    `Another tab has become the coordinator of room ${room} in epoch ${epoch}.`,
});
