/**
 * The service of the weights worker: opens models, stores their bytes on disk, and
 * sends them to the GPU worker and to other members. Remote (Comlink): all values can
 * be cloned, and ports are transferred.
 */
import type { MemberId, ModelSource, ModelSummary, ModelNotice } from "../shared/index.ts";
import { blobSource, type ByteSource, peerSource } from "./byte-source.ts";
import { CachedSource } from "./cached-source.ts";
import type { ModelDescription, ShardDescription } from "./description.ts";
import { ModelCache, storageFailure } from "./model-cache.ts";
import { type OpenedModel, openModel } from "./open-model.ts";
import { exposeReader, readerFromPort } from "./reader-port.ts";
import { shardTensors } from "./shard.ts";
import type { TokenizerData } from "./tokenizer-data.ts";
import { openUrl } from "./url-source.ts";

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
  /** Another member's file. `port` is from `exposeReader` and must be transferred. */
  | {
      readonly kind: "peer";
      readonly member: MemberId;
      readonly fileName: string;
      readonly fileBytes: number;
      readonly port: MessagePort;
    };

export type OpenedSummary = {
  readonly summary: ModelSummary;
  readonly description: ModelDescription;
  readonly tokenizer: TokenizerData;
};

export type DownloadProgress = { readonly doneBytes: number; readonly totalBytes: number };

type Entry = { readonly model: OpenedModel; readonly bytes: ByteSource };

/** Reads of a prefetch; also the step of its progress. */
const PREFETCH_BYTES = 4 << 20;

export class WeightsService {
  readonly #entries = new Map<string, Entry>();
  readonly #cache: Promise<ModelCache | null>;
  #onNotice: (notice: ModelNotice) => void = () => undefined;

  constructor(cache: Promise<ModelCache | null> = ModelCache.open()) {
    this.#cache = cache;
  }

  /** `listener` gets problems that did not stop the work, such as a full disk. */
  listen(listener: (notice: ModelNotice) => void): void {
    this.#onNotice = listener;
  }

  /** Reads the header. Rejects with a `ModelError`. Opening the same content again replaces its source. */
  async open(request: OpenRequest): Promise<OpenedSummary> {
    const origin = await this.#openSource(request);
    const model = await openModel(origin, sourceOf(request));
    const { contentId, name } = model.summary;
    const bytes = request.kind === "file" ? origin : await this.#cached(origin, contentId, name);
    this.#entries.set(contentId, { model, bytes });
    return { summary: model.summary, description: model.description, tokenizer: model.tokenizer };
  }

  /** The layers `[first, end)` of an opened model. */
  shard(contentId: string, first: number, end: number): ShardDescription {
    return this.#entry(contentId).model.shard(first, end);
  }

  /**
   * Downloads only a shard's bytes to this machine's disk. Does nothing without storage:
   * the loader then reads from the source.
   */
  async prefetch(
    contentId: string,
    first: number,
    end: number,
    onProgress: (progress: DownloadProgress) => void | Promise<void>,
  ): Promise<void> {
    const { model, bytes } = this.#entry(contentId);
    if (!(bytes instanceof CachedSource)) return;
    const tensors = shardTensors(model.shard(first, end));
    const totalBytes = tensors.reduce((total, tensor) => total + tensor.lengthBytes, 0);
    let doneBytes = 0;
    void onProgress({ doneBytes, totalBytes });
    for (const { offsetBytes, lengthBytes } of tensors) {
      for (let done = 0; done < lengthBytes; done += PREFETCH_BYTES) {
        if (!bytes.isStoring) return;
        const length = Math.min(PREFETCH_BYTES, lengthBytes - done);
        await bytes.read(offsetBytes + done, length);
        doneBytes += length;
        void onProgress({ doneBytes, totalBytes });
      }
    }
    // Calls to another thread are not ordered with this one's end, so the last one is awaited.
    await onProgress({ doneBytes, totalBytes });
  }

  /** A port for `readerFromPort`, to be transferred to the GPU worker. */
  reader(contentId: string): MessagePort {
    return exposeReader(this.#entry(contentId).bytes);
  }

  /** A range for another member. */
  read(
    contentId: string,
    offsetBytes: number,
    lengthBytes: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#entry(contentId).bytes.read(offsetBytes, lengthBytes);
  }

  /** Deletes the models on this machine's disk. */
  async clearStored(): Promise<void> {
    await (await this.#cache)?.clear();
  }

  async #openSource(request: OpenRequest): Promise<ByteSource> {
    switch (request.kind) {
      case "url":
        return openUrl(absoluteUrl(request.url, request.server), {
          onNotice: (notice) => this.#onNotice(notice),
        });
      case "file":
        return blobSource(request.file, request.fileName);
      case "peer":
        return peerSource(readerFromPort(request.port), request.fileBytes, request.fileName);
    }
  }

  async #cached(origin: ByteSource, contentId: string, name: string): Promise<ByteSource> {
    const cache = await this.#cache;
    if (cache === null) return origin;
    try {
      const store = await cache.store(contentId, name, origin.fileBytes);
      return new CachedSource(origin, store, (notice) => this.#onNotice(notice));
    } catch (error) {
      this.#onNotice({ notice: "not_stored", cause: storageFailure(error) });
      return origin;
    }
  }

  #entry(contentId: string): Entry {
    const entry = this.#entries.get(contentId);
    if (entry === undefined) throw new Error(`the model ${contentId} is not open in this tab`);
    return entry;
  }
}

function absoluteUrl(url: string, server: string | undefined): string {
  return server !== undefined && URL.canParse(url, server) ? new URL(url, server).href : url;
}

function sourceOf(request: OpenRequest): ModelSource {
  if (request.kind === "url") return { kind: "url", url: request.url };
  return { kind: "member", member: request.member, fileName: request.fileName };
}
