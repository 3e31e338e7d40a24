/** What the page's controller needs from the browser and the server: replaced in tests. */
import {
  joinRoom,
  readOfferedModels,
  readServerFacts,
  type PageJoinOptions,
} from "../api/index.ts";
import { checkAdapter, type RoomStorage } from "../tab/index.ts";
import type { Joined } from "./room-page.ts";

export type PageEnvironment = ReturnType<typeof browserEnvironment>;

export function browserEnvironment() {
  const { origin } = location;
  const storage: RoomStorage = sessionStorage;
  return {
    /** The page's address. */
    href: () => location.href,
    /** Replaces the address without loading it. */
    showAddress: (href: string): void => history.replaceState(null, "", href),
    /** What this tab keeps over a reload. */
    storage,
    /** Downloads a text as a file. */
    saveFile,
    /** Measures this tab's adapter; with `again`, earlier measurements are discarded. */
    probe: checkAdapter,
    /** null if the page's server is not a Tabmesh server. */
    serverFacts: () => readServerFacts(origin),
    offeredModels: () => readOfferedModels(origin),
    join: (options: PageJoinOptions): Promise<Joined> => joinRoom(options),
  };
}

function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
