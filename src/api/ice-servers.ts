/**
 * The STUN and TURN servers of a tab: the caller's, or the server's own. The server gives
 * credentials only to tabs of open rooms, so the tab that opens one asks again.
 */
import type { RoomCode } from "../shared/index.ts";
import { readServerFacts } from "./server.ts";

export type IceServers = {
  /** Read for each connection. */
  readonly list: readonly RTCIceServer[];
  /** The room is open now. */
  readonly refresh: () => Promise<void>;
};

export async function openIceServers(
  server: string,
  code: RoomCode,
  given: readonly RTCIceServer[] | undefined,
): Promise<IceServers> {
  const list: RTCIceServer[] = [...(given ?? [])];
  const refresh = async () => {
    if (given !== undefined) return;
    const facts = await readServerFacts(server, code);
    if (facts === null) return;
    // Zod's optional keys may be undefined; those of RTCIceServer may not.
    const known = JSON.parse(JSON.stringify(facts.iceServers)) as RTCIceServer[];
    list.splice(0, list.length, ...known);
  };
  await refresh();
  return { list, refresh };
}
