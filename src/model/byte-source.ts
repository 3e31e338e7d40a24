/**
 * A file of known length whose bytes can be read by range: from a Blob, a URL
 * (`url-source.ts`), members (`shared-source.ts`), or the cache (`cached-source.ts`).
 */
import type { ByteReader } from "./description.ts";
import type { MemberId } from "../shared/index.ts";
import { ModelError } from "./model-error.ts";

export type ByteSource = ByteReader & {
  readonly fileBytes: number;
  /** The URL or the file's name, for messages. */
  readonly label: string;
};

/** A file of another member: its ranges, and the map of the chunks that the member has (`chunks.ts`). */
export type PeerFile = {
  readonly member: MemberId;
  readonly bytes: ByteReader;
  readonly map: ByteReader;
};

/** Throws unless `[offset, offset + length)` lies in a file of `fileBytes`. */
export function checkRange(
  { fileBytes, label: file }: Pick<ByteSource, "fileBytes" | "label">,
  offsetBytes: number,
  lengthBytes: number,
): void {
  const wellFormed =
    Number.isSafeInteger(offsetBytes) &&
    Number.isSafeInteger(lengthBytes) &&
    offsetBytes >= 0 &&
    lengthBytes >= 0;
  if (!wellFormed || offsetBytes + lengthBytes > fileBytes) {
    throw new ModelError({ reason: "read_past_end", file, offsetBytes, lengthBytes, fileBytes });
  }
}

/** A file that a person picked, or another Blob. */
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
        throw new ModelError({ reason: "picked_file_gone", file: label }, { cause: error });
      }
    },
  };
}
