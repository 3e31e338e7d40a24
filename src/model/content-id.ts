/**
 * The id of a model that is read from a URL, in hex: SHA-256 over the address, the file's length, and
 * the header's bytes. Its chunks' hashes are unknown until they are read, so the address stands for
 * them: files of different addresses never share a cache. A picked file's id is its root (`chunks.ts`).
 */
import { hex, sha256 } from "./chunks.ts";

export async function urlContentId(
  url: string,
  header: Uint8Array<ArrayBuffer>,
  fileBytes: number,
): Promise<string> {
  const prefix = new TextEncoder().encode(`tabmesh-url-1\n${JSON.stringify(url)}\n${fileBytes}\n`);
  const input = new Uint8Array(prefix.length + header.length);
  input.set(prefix);
  input.set(header, prefix.length);
  return hex(await sha256(input));
}
