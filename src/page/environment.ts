/** What the page's controller needs from the browser and the server: replaced in tests. */
import {
  joinRoom,
  readOfferedModels,
  readServerFacts,
  type PageJoinOptions,
  type PageRoom,
} from "../api/index.ts";
import type { ProbeProgress, ProbeResult } from "../probe/index.ts";
import type { ServerFacts } from "../shared/index.ts";
import { checkAdapter, type RoomStorage } from "../tab/index.ts";
import type { PageView } from "../ui/index.ts";

export type PageEnvironment = {
  /** The page's address. */
  href(): string;
  /** Replaces the address without loading it. */
  showAddress(href: string): void;
  /** What this tab keeps over a reload. */
  readonly storage: RoomStorage;
  /** Downloads a text as a file. */
  saveFile(name: string, text: string): void;
  /** Measures this tab's adapter; with `again`, earlier measurements are discarded. */
  probe(again: boolean, onProgress: (progress: ProbeProgress) => void): Promise<ProbeResult>;
  /** null if the page's server is not a Tabmesh server. */
  serverFacts(): Promise<ServerFacts | null>;
  offeredModels(): Promise<PageView["offeredModels"]>;
  join(options: PageJoinOptions): Promise<Pick<PageRoom, "client" | "parts" | "close" | "place">>;
};

export function browserEnvironment(): PageEnvironment {
  const { origin } = location;
  return {
    href: () => location.href,
    showAddress: (href) => history.replaceState(null, "", href),
    storage: sessionStorage,
    saveFile,
    probe: checkAdapter,
    serverFacts: () => readServerFacts(origin),
    offeredModels: () => readOfferedModels(origin),
    join: joinRoom,
  };
}

function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
