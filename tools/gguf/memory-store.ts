import { chunkParts } from "../../src/model/index.ts";

/** Chunks in memory instead of the origin private file system, which only browsers have. */
export function memoryStore() {
  const chunks = new Map<number, Blob>();
  const leaves = new Map<number, Uint8Array<ArrayBuffer> | null>();
  const present = new Set<number>();
  return {
    present,
    async readRange(offsetBytes: number, lengthBytes: number) {
      const parts = chunkParts(offsetBytes, lengthBytes);
      const blobs = parts.map(({ index, from, to }) => chunks.get(index)?.slice(from, to));
      if (!blobs.every((blob) => blob !== undefined)) return null;
      return new Uint8Array(await new Blob(blobs).arrayBuffer());
    },
    /** The chunk is present, but its bytes are gone, as after an interrupted write. */
    lose: (index: number) => chunks.delete(index),
    leaf: (index: number) => Promise.resolve(leaves.get(index) ?? null),
    write(
      index: number,
      bytes: Uint8Array<ArrayBuffer>,
      leaf: Uint8Array<ArrayBuffer> | null,
    ): Promise<void> {
      chunks.set(index, new Blob([bytes]));
      leaves.set(index, leaf);
      present.add(index);
      return Promise.resolve();
    },
  };
}

/** A storage of models that a `WeightsService` can use. */
export function memoryStorage() {
  const stores = new Map<string, ReturnType<typeof memoryStore>>();
  const store = (id: string) => {
    const known = stores.get(id) ?? memoryStore();
    stores.set(id, known);
    return Promise.resolve(known);
  };
  return {
    store,
    chunkStore: store,
    clear: () => Promise.resolve(stores.clear()),
  };
}
