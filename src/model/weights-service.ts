/**
 * The service of the weights worker: opens models, stores their bytes on disk, and
 * sends them to the GPU worker and to other members. Remote (Comlink): all values can
 * be cloned, and ports are transferred.
 *
 * Over 250 lines: files, members, and shards share what is open of a model.
 */
import type { ModelNotice, ModelSummary } from "../shared/index.ts";
import { blobSource, type ByteSource } from "./byte-source.ts";
import { CachedSource } from "./cached-source.ts";
import {
  CHUNK_BYTES,
  chunkLength,
  chunksOf,
  encodeChunkMap,
  type Leaf,
  leavesOf,
  rootOf,
  runLength,
} from "./chunks.ts";
import type { ModelDescription, TensorInfo } from "./description.ts";
import { type ChunkStore, ModelCache, storageFailure } from "./model-cache.ts";
import { type OpenedModel, openModel } from "./open-model.ts";
import {
  absoluteUrl,
  cacheFolder,
  type OpenRequest,
  peerFile,
  type PeerPorts,
  sourceOf,
} from "./open-request.ts";
import { LaneService, Lanes, type StoredFile } from "./lanes.ts";
import { exposeReader } from "./reader-port.ts";
import { type ShardDescription, shardTensors } from "./shard.ts";
import { SharedSource } from "./shared-source.ts";
import type { TokenizerData } from "./tokenizer-data.ts";
import { openUrl, type UrlSource } from "./url-source.ts";

export type OpenedSummary = {
  readonly summary: ModelSummary;
  readonly description: ModelDescription;
  readonly tokenizer: TokenizerData;
};

export type DownloadProgress = { readonly doneBytes: number; readonly totalBytes: number };

/** The layers `[first, end)` of a stage. */
export type LayerRange = { readonly first: number; readonly end: number };

type ModelStorage = Pick<ModelCache, "store" | "chunkStore" | "clear">;

type Source = { readonly bytes: CachedSource; readonly shared: SharedSource };

/** Not the tokenizer: the collector would visit its strings for every 64 MB or so of a load. */
type Entry = Source & { readonly shard: OpenedModel["shard"] };

/** Of a prefetch's requests, which grow to it by a chunk each, so that progress shows soon. */
const MAX_REQUEST_CHUNKS = 8;
/** Browsers open six connections to a server of HTTP/1.1. */
const PREFETCHES_AT_ONCE = 6;

export class WeightsService {
  readonly #entries = new Map<string, Entry>();
  readonly #cache: Promise<ModelStorage | null>;
  readonly #lanes: Lanes;
  #listener: (notice: ModelNotice) => void = () => undefined;
  readonly #onNotice = (notice: ModelNotice) => this.#listener(notice);

  constructor(
    cache: Promise<ModelStorage | null> = ModelCache.open(),
    lanes = new Lanes(0, () => new LaneService(cache)),
  ) {
    this.#cache = cache;
    this.#lanes = lanes;
  }

  /** `listener` gets problems that did not stop the work, such as a full disk. */
  listen(listener: (notice: ModelNotice) => void): void {
    this.#listener = listener;
  }

  /**
   * Reads the header, and hashes a file that was picked; `onProgress` reports how far. Rejects with a
   * `ModelError`. Opening the same content again replaces its source.
   */
  async open(
    request: OpenRequest,
    onProgress: (progress: DownloadProgress) => void | Promise<void> = () => undefined,
  ): Promise<OpenedSummary> {
    const { model, ...source } = await this.#openSource(request, onProgress);
    const { summary, description, tokenizer, shard } = model;
    this.#entries.set(summary.contentId, { shard, ...source });
    return { summary, description, tokenizer };
  }

  /** Members that may have parts of an opened model. Those that have none, or do not answer, are left out. */
  async addPeers(contentId: string, peers: readonly PeerPorts[]): Promise<void> {
    await this.#entry(contentId)
      .shared.addPeers(peers.map(peerFile))
      .catch(() => undefined);
  }

  /** The layers `[first, end)` of an opened model. */
  shard(contentId: string, first: number, end: number): ShardDescription {
    return this.#entry(contentId).shard(first, end);
  }

  /**
   * Downloads only a shard's bytes to this machine's disk. Does nothing without storage: the loader then
   * reads from the source. Ends if `onProgress` rejects. What the `earlier` stages need too comes last,
   * after `beforeShared`: they download it, and this tab can read it from them.
   */
  async prefetch(
    contentId: string,
    first: number,
    end: number,
    onProgress: (progress: DownloadProgress) => void | Promise<void>,
    earlier: readonly LayerRange[] = [],
    beforeShared: () => void | Promise<void> = () => undefined,
  ): Promise<void> {
    const { shard, bytes } = this.#entry(contentId);
    const all = chunksIn(shardTensors(shard(first, end)));
    const missing = all.filter((index) => !bytes.isStored(index));
    const theirs = new Set(chunksIn(sharedTensors(shard, first, end, earlier)));
    const bytesOf = (chunks: readonly number[]) =>
      chunks.reduce((sum, index) => sum + chunkLength(bytes.fileBytes, index), 0);
    const totalBytes = bytesOf(all);
    let doneBytes = totalBytes - bytesOf(missing);
    await onProgress({ doneBytes, totalBytes });
    const fetch = async (chunks: readonly number[]) => {
      await bytes.fetch(chunks[0]! * CHUNK_BYTES, bytesOf(chunks));
      doneBytes += bytesOf(chunks);
      await onProgress({ doneBytes, totalBytes });
    };
    const running = new Set<Promise<void>>();
    let most = 0;
    for (const isTheirs of [false, true]) {
      const chunks = missing.filter((index) => theirs.has(index) === isTheirs);
      if (isTheirs && theirs.size > 0) {
        await Promise.all(running);
        await beforeShared();
      }
      while (chunks.length > 0) {
        if (!bytes.isStoring) return;
        most = Math.min(MAX_REQUEST_CHUNKS, most + 1);
        const next = chunks.splice(0, runLength(chunks, most));
        const read = fetch(next).finally(() => running.delete(read));
        read.catch(() => undefined); // it is awaited below, or an earlier one has failed
        running.add(read);
        if (running.size >= PREFETCHES_AT_ONCE) await Promise.race(running);
      }
    }
    await Promise.all(running);
    // Calls to another thread are not ordered with this one's end, so the last one is awaited.
    await onProgress({ doneBytes, totalBytes });
  }

  /**
   * Of the chunks that an earlier stage needs too and that are not stored here: how many there are, and
   * how many members have.
   */
  sharedChunks(
    contentId: string,
    first: number,
    end: number,
    earlier: readonly LayerRange[],
  ): { readonly missing: number; readonly held: number } {
    const { shard, bytes, shared } = this.#entry(contentId);
    const indices = chunksIn(sharedTensors(shard, first, end, earlier));
    const missing = indices.filter((index) => !bytes.isStored(index));
    return { missing: missing.length, held: missing.filter((i) => shared.isHeld(i)).length };
  }

  /** A port for `readerFromPort`, to be transferred to the GPU worker. */
  reader(contentId: string): MessagePort {
    return exposeReader(this.#entry(contentId).bytes);
  }

  /** A range for another member: only what is stored. */
  async read(
    contentId: string,
    offsetBytes: number,
    lengthBytes: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#entry(contentId).bytes.readHeld(offsetBytes, lengthBytes);
  }

  /** Which chunks of a model other members can read here, and the leaves: see `chunks.ts`. */
  async chunkMap(contentId: string): Promise<Uint8Array<ArrayBuffer>> {
    const { bytes } = this.#entry(contentId);
    return encodeChunkMap(await bytes.chunkMap(), bytes.fileBytes);
  }

  /** Deletes the models on this machine's disk. */
  async clearStored(): Promise<void> {
    await (await this.#cache)?.clear();
  }

  async #openSource(
    request: OpenRequest,
    onProgress: (progress: DownloadProgress) => void | Promise<void>,
  ): Promise<Source & { readonly model: OpenedModel }> {
    const onNotice = this.#onNotice;
    if (request.kind === "url") {
      const origin = await openUrl(absoluteUrl(request.url, request.server), { onNotice });
      const model = await openModel(origin, sourceOf(request));
      const folder = await cacheFolder(request, model.summary.contentId);
      return { model, ...(await this.#cached(origin, origin, null, folder)) };
    }
    if (request.kind === "file") {
      const file = blobSource(request.file, request.fileName);
      const { fileBytes, label } = file;
      const leaves = await leavesOf(
        file,
        (doneBytes) => void onProgress({ doneBytes, totalBytes: fileBytes }),
      );
      const root = await rootOf(fileBytes, leaves);
      const model = await openModel(file, sourceOf(request), root);
      const options = { fileBytes, label, origin: null, root, onNotice };
      const shared = new SharedSource(options, leaves);
      return { model, bytes: new CachedSource(shared, wholeStore(file, leaves), onNotice), shared };
    }
    const { root, fileBytes, fileName: label, peers } = request;
    const source = await this.#cached({ fileBytes, label }, null, root, root);
    // What is stored here can be opened without them.
    const missing: unknown = await source.shared
      .addPeers(peers.map(peerFile))
      .catch((e: unknown) => e);
    try {
      return { model: await openModel(source.bytes, sourceOf(request), root), ...source };
    } catch (error) {
      throw missing ?? error;
    }
  }

  /** What members send is checked, and stored if there is storage. `origin` is null if only members have the file. */
  async #cached(
    { fileBytes, label }: Omit<ByteSource, "read">,
    origin: UrlSource | null,
    root: string | null,
    folder: string,
  ): Promise<Source> {
    const onNotice = this.#onNotice;
    const lanes = this.#lanes;
    const file = { folder, fileBytes };
    const store = await this.#openStore(file);
    const kept = () => (store !== null && bytes.isStoring ? { file, store } : null);
    const shared = new SharedSource({
      fileBytes,
      label,
      origin: origin && {
        ...origin,
        readHashed: (offset, length, mayStay) =>
          lanes.fetch(origin.remote, offset, length, onNotice, mayStay ? kept() : null),
      },
      root,
      onNotice,
      onDistrust: (chunks) => bytes.forget(chunks),
    });
    const readRange: ChunkStore["readRange"] = (...range) => lanes.read(store!, file, ...range);
    const bytes = new CachedSource(shared, store && { ...store, readRange }, onNotice);
    return { bytes, shared };
  }

  /** Null without storage. */
  async #openStore({ folder, fileBytes }: StoredFile): Promise<ChunkStore | null> {
    try {
      return (await (await this.#cache)?.store(folder, fileBytes)) ?? null;
    } catch (error) {
      this.#onNotice({ notice: "not_stored", cause: storageFailure(error) });
      return null;
    }
  }

  #entry(contentId: string): Entry {
    const entry = this.#entries.get(contentId);
    if (entry === undefined) throw new Error(`the model ${contentId} is not open in this tab`);
    return entry;
  }
}

/** A picked file as a store, which has all of its chunks. */
function wholeStore(file: ByteSource, leaves: readonly Leaf[]): ChunkStore {
  return {
    present: new Set(leaves.keys()),
    readRange: (offsetBytes, lengthBytes) => file.read(offsetBytes, lengthBytes),
    leaf: (index) => Promise.resolve(leaves[index] ?? null),
    write: () => Promise.resolve(),
  };
}

/** Those of the shard `[first, end)` that earlier stages have too: a tied embedding, at the last stage. */
function sharedTensors(
  shard: Entry["shard"],
  first: number,
  end: number,
  earlier: readonly LayerRange[],
): TensorInfo[] {
  const theirs = new Set(earlier.flatMap((stage) => shardTensors(shard(stage.first, stage.end))));
  return shardTensors(shard(first, end)).filter((tensor) => theirs.has(tensor));
}

/** The chunks of the tensors, each once, in the tensors' order. */
const chunksIn = (tensors: readonly TensorInfo[]) => [
  ...new Set(tensors.flatMap((tensor) => chunksOf(tensor.offsetBytes, tensor.lengthBytes))),
];
