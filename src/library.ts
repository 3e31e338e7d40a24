/** The entry of the package `tabmesh`. Its declarations are made from `api/public.ts`. */
import { joinRoom as join, type JoinRoom } from "./api/index.ts";

export { TabmeshError } from "./api/index.ts";
export type * from "./api/index.ts";

/** Joins a room, or opens it if nobody is there. Rejects with a `TabmeshError`. */
export const joinRoom: JoinRoom = join;
