/** A source that records its reads, for tests of the cache over it. */
import { expect } from "vitest";
import { blobSource, type ByteSource } from "../../src/model/byte-source.ts";
import { leavesIn } from "../../src/model/chunks.ts";
import { type HashedSource, SharedSource } from "../../src/model/shared-source.ts";
import type { ModelNotice } from "../../src/shared/model-failure.ts";

export function recorded(
  bytes: Uint8Array<ArrayBuffer>,
): ByteSource & { reads: [number, number][] } {
  const source = blobSource(new Blob([bytes]), "origin");
  const reads: [number, number][] = [];
  return {
    ...source,
    reads,
    read(offset, length) {
      reads.push([offset, length]);
      return source.read(offset, length);
    },
  };
}

export function hashed(origin: ByteSource): HashedSource {
  return {
    ...origin,
    async readHashed(offset, length) {
      const bytes = await origin.read(offset, length);
      return { bytes, leaves: await leavesIn(bytes) };
    },
  };
}

/** The file of `origin`, which no other member has. */
export function sharedOf(origin: ByteSource): SharedSource {
  const { fileBytes, label } = origin;
  return new SharedSource({
    fileBytes,
    label,
    origin: hashed(origin),
    root: null,
    onNotice: neverNotice,
  });
}

/** `toEqual` takes seconds for megabytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export const neverNotice = (notice: ModelNotice): void => expect.fail(JSON.stringify(notice));
