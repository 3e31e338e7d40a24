/** The package `tabmesh`: this is all that its users import. */
import { joinRoom as join, type JoinOptions, type Room } from "./api/index.ts";

export {
  TabmeshError,
  type ChatOptions,
  type ChatPart,
  type JoinOptions,
  type JoinProgress,
  type PlaceOptions,
  type Room,
  type TabmeshErrorCode,
} from "./api/index.ts";

/** Joins a room, or opens it if nobody is there. Rejects with a `TabmeshError`. */
export const joinRoom: (options: JoinOptions) => Promise<Room> = join;
