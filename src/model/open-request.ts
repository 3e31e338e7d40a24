/** How a model can be opened in this tab, and what follows from the way. */
import type { MemberId, ModelSource } from "../shared/index.ts";
import type { PeerFile } from "./byte-source.ts";
import { bytesToHex } from "@noble/hashes/utils.js";
import { sha256 } from "./chunks.ts";
import { readerFromPort } from "./reader-port.ts";
import { pageUrl } from "./url-errors.ts";

export type OpenRequest =
  /** A relative URL is relative to `server`: the page of another origin may have joined the room. */
  | { readonly kind: "url"; readonly url: string; readonly server?: string }
  /** A file that this member picked. */
  | {
      readonly kind: "file";
      readonly file: Blob;
      readonly fileName: string;
      readonly member: MemberId;
    }
  /** A file that another member picked, from those that have it. */
  | {
      readonly kind: "peer";
      readonly member: MemberId;
      readonly fileName: string;
      readonly fileBytes: number;
      /** The root of the file's chunks: its id in the room. */
      readonly root: string;
      readonly peers: readonly PeerPorts[];
    };

/** Another member's part of a file. The ports are from `exposeReader` and must be transferred. */
export type PeerPorts = {
  readonly member: MemberId;
  readonly bytes: MessagePort;
  readonly map: MessagePort;
};

export function absoluteUrl(url: string, server: string | undefined): string {
  return server !== undefined && URL.canParse(url, server) ? new URL(url, server).href : url;
}

/** A relative URL leads to other files on another server. */
export async function cacheFolder(
  { url, server }: Extract<OpenRequest, { kind: "url" }>,
  contentId: string,
): Promise<string> {
  const isOwnServer = server === undefined || new URL(server).origin === pageUrl()?.origin;
  if (isOwnServer || URL.canParse(url)) return contentId;
  return bytesToHex(await sha256(new TextEncoder().encode(`${contentId}\n${server}`)));
}

export function peerFile({ member, bytes, map }: PeerPorts): PeerFile {
  return { member, bytes: readerFromPort(bytes), map: readerFromPort(map) };
}

export function sourceOf(request: OpenRequest): ModelSource {
  if (request.kind === "url") return { kind: "url", url: request.url };
  return { kind: "member", member: request.member, fileName: request.fileName };
}
