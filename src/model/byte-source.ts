/**
 * A file whose bytes can be read by range: the length is known, the bytes come
 * from a Blob, a peer, a URL (`url-source.ts`) or the cache (`cached-source.ts`).
 */
import type { ByteReader } from "./description.ts";
import { ModelError } from "./model-error.ts";

export type ByteSource = ByteReader & {
  readonly fileBytes: number;
  /** Its name in messages, such as the URL or the file's name. */
  readonly label: string;
};

/** Throws unless `[offset, offset + length)` lies in a file of `fileBytes`. */
export function checkRange(
  { fileBytes, label }: Pick<ByteSource, "fileBytes" | "label">,
  offsetBytes: number,
  lengthBytes: number,
): void {
  const wellFormed =
    Number.isSafeInteger(offsetBytes) &&
    Number.isSafeInteger(lengthBytes) &&
    offsetBytes >= 0 &&
    lengthBytes >= 0;
  if (!wellFormed || offsetBytes + lengthBytes > fileBytes) {
    throw new ModelError(
      "truncated",
      `${label} has ${fileBytes} bytes, so ${lengthBytes} bytes at ${offsetBytes} cannot be read. ` +
        "The file is truncated: download it again.",
    );
  }
}

/** A file that the user picked, or any Blob. */
export function blobSource(blob: Blob, label: string): ByteSource {
  const source = { fileBytes: blob.size, label };
  return {
    ...source,
    async read(offsetBytes, lengthBytes) {
      checkRange(source, offsetBytes, lengthBytes);
      try {
        const slice = blob.slice(offsetBytes, offsetBytes + lengthBytes);
        return new Uint8Array(await slice.arrayBuffer());
      } catch (error) {
        throw new ModelError(
          "not_found",
          `${label} can no longer be read: it was moved or changed. Pick the file again.`,
          { cause: error },
        );
      }
    },
  };
}

/**
 * A file that another member holds. Large reads are asked for in pieces of
 * `PEER_PIECE_BYTES`, so that one answer never fills a channel's buffer for long.
 */
export function peerSource(reader: ByteReader, fileBytes: number, label: string): ByteSource {
  const source = { fileBytes, label };
  return {
    ...source,
    async read(offsetBytes, lengthBytes) {
      checkRange(source, offsetBytes, lengthBytes);
      const bytes = new Uint8Array(lengthBytes);
      for (let done = 0; done < lengthBytes; done += PEER_PIECE_BYTES) {
        const wanted = Math.min(PEER_PIECE_BYTES, lengthBytes - done);
        const piece = await reader.read(offsetBytes + done, wanted);
        if (piece.length !== wanted) {
          throw new ModelError(
            "truncated",
            `${label}: a member sent ${piece.length} bytes instead of ${wanted}. Load the model again.`,
          );
        }
        bytes.set(piece, done);
      }
      return bytes;
    },
  };
}

const PEER_PIECE_BYTES = 4 << 20;
