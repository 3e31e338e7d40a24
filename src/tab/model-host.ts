/**
 * The models of this tab: opens them in the weights worker, serves what it has of them to
 * the other members, loads this tab's layers into the stage, and creates the
 * tokenizer. Each model is opened once.
 *
 * Over 250 lines: opening, sharing, and loading share the models that are open.
 */
import * as Comlink from "comlink";
import { peerReaders, serveBytes, type Transport } from "../mesh/index.ts";
import {
  chatTemplateOf,
  encodeChat,
  exposeReader,
  createTokenizer,
  type DownloadProgress,
  type Tokenizer,
  type TokenizerData,
  type OpenedSummary,
  type OpenRequest,
  type PeerPorts,
  type WeightsService,
} from "../model/index.ts";
import {
  type Clock,
  type MemberId,
  type ModelSource,
  type ModelSummary,
  FailureError,
  sleep,
} from "../shared/index.ts";
import type { StageWorker } from "../stage/index.ts";
import type { ChatRenderer } from "./chat-renderer.ts";
import type { HeldShard } from "./tab-monitor.ts";
import type { LoadProgress, ModelHost, ModelText, ShardRequest } from "../cluster/index.ts";

/** Between two looks at what an earlier stage has downloaded: some MiB on a slow network. */
const LOOK_MS = 3000;
/** Requests of several MiB share a slow network, so that none may end between two looks. */
const MAX_IDLE_LOOKS = 3;
/** Then this tab downloads it too. */
const MAX_WAIT_MS = 60_000;

/** The weights worker, seen from this thread. */
export type Weights = {
  [
    K in
      | "open"
      | "addPeers"
      | "shard"
      | "sharedChunks"
      | "prefetch"
      | "reader"
      | "read"
      | "chunkMap"
  ]: (
    ...parameters: Parameters<WeightsService[K]>
  ) => Promise<Awaited<ReturnType<WeightsService[K]>>>;
};

export type ModelHostParts = {
  readonly self: MemberId;
  readonly weights: Weights;
  readonly stage: Pick<StageWorker, "loadShard" | "unloadShard" | "unloadNext">;
  readonly transport: Transport;
  readonly renderChat: ChatRenderer;
  readonly clock: Clock;
  /** Where relative URLs of models lead. */
  readonly server: string;
  /** Another shard is loaded, or none. */
  readonly onHeld: (shard: HeldShard | null) => void;
};

export type TabModelHost = ModelHost & {
  /**
   * A file that a person picked here; the other members read it from this tab. Reads all of it, to
   * know it by its content.
   */
  addFile(
    file: Blob,
    fileName: string,
    onProgress?: (progress: DownloadProgress) => void,
  ): Promise<ModelSummary>;
};

export function createModelHost(parts: ModelHostParts): TabModelHost {
  const { self, weights, stage, transport, renderChat, clock, server, onHeld } = parts;
  const opened = new Map<string, OpenedSummary>();
  const texts = new Map<string, ModelText>();
  /** The ids of the files that were picked here, by name. */
  const picked = new Map<string, string>();
  const readerOf = peerReaders(transport);

  serveBytes(transport, (key) => {
    const contentId = key.replace(MAP_PREFIX, "");
    if (!opened.has(contentId)) return null;
    if (contentId === key) return (offset, length) => weights.read(contentId, offset, length);
    return async (offset, length) =>
      (await weights.chunkMap(contentId)).slice(offset, offset + length);
  });

  /** The connected peers' parts of a file, by its id; `label` names the file in failures. */
  const files = (contentId: string, label: string): readonly PeerPorts[] =>
    transport.connectedPeers().map((member) => ({
      member,
      bytes: exposeReader(readerOf(member, contentId, label)),
      map: exposeReader(readerOf(member, `map:${contentId}`, label)),
    }));

  const open = async (
    request: OpenRequest,
    onProgress: (progress: DownloadProgress) => void = () => undefined,
  ): Promise<OpenedSummary> => {
    const transfer = request.kind === "peer" ? portsOf(request.peers) : [];
    const model = await weights.open(
      Comlink.transfer(request, transfer),
      Comlink.proxy(onProgress),
    );
    opened.set(model.summary.contentId, model);
    return model;
  };

  const opening = async (model: ModelSummary): Promise<OpenedSummary> => {
    const known = opened.get(model.contentId);
    if (known) return known;
    const found = await open(await requestOf(model));
    if (found.summary.contentId === model.contentId) return found;
    // Its header or its length differs.
    throw new FailureError({ reason: "model_differs", model: model.name });
  };

  const requestOf = async (model: ModelSummary): Promise<OpenRequest> => {
    const { source, fileBytes, contentId: root } = model;
    if (source.kind === "url") return { ...source, server };
    const { member, fileName } = source;
    if (member === self) throw new FailureError({ reason: "file_not_open", file: fileName });
    await transport.connect(member).catch((error: unknown) => {
      // Other members may have it.
      if (transport.connectedPeers().length === 0) throw error;
    });
    const peers = files(root, fileName);
    return { kind: "peer", member, fileName, fileBytes, root, peers };
  };

  const isNear = ({ source }: ModelSummary): boolean =>
    source.kind === "url" ? !isElsewhere(source.url, server) : source.member === self;

  /**
   * What members have is not read from the source again, unless the source is the room's own server. False if
   * there is nobody to ask.
   */
  const addPeers = async (model: ModelSummary): Promise<boolean> => {
    if (isNear(model)) return false;
    const { source, contentId } = model;
    const peers = files(contentId, source.kind === "url" ? source.url : source.fileName);
    if (peers.length > 0)
      await weights.addPeers(contentId, Comlink.transfer([...peers], portsOf(peers)));
    return peers.length > 0;
  };

  /** Until members have what an earlier stage downloads too, or get no more of it. */
  const waitForEarlier = async ({ model, missing: layers, earlier }: ShardRequest) => {
    const { first, end } = layers;
    const endMs = clock.nowMs() + MAX_WAIT_MS;
    let [before, idleLooks] = [-1, 0];
    for (; clock.nowMs() < endMs; await sleep(clock, LOOK_MS)) {
      if (!(await addPeers(model))) return;
      const shared = weights.sharedChunks(model.contentId, first, end, earlier);
      const { missing, held } = await shared;
      idleLooks = held > before ? 0 : idleLooks + 1;
      if (held === missing || idleLooks === MAX_IDLE_LOOKS) return;
      before = held;
    }
  };

  const loadShard: ModelHost["loadShard"] = async (request, onProgress) => {
    const { model, missing, earlier, role } = request;
    const { memoryBudgetBytes, submitWhileWaiting } = request;
    const { contextTokens, generationSlots: sequences, activations } = request;
    const { first, end } = missing;
    const { contentId } = (await opening(model)).summary;
    await addPeers(model);
    let ended = false;
    let isStored = false;
    const prefetch = async () => {
      const progress = (done: DownloadProgress) => {
        if (ended) throw new DOMException("the load has ended", "AbortError");
        onProgress({ phase: "downloading", ...done });
      };
      const report = Comlink.proxy(progress);
      const wait = Comlink.proxy(() => waitForEarlier(request));
      await weights.prefetch(contentId, first, end, report, earlier, wait);
      isStored = true;
    };
    const load = async () => {
      const limits = { memoryBudgetBytes, submitWhileWaiting };
      const options = { contextTokens, sequences, activations, ...limits };
      const shard = await weights.shard(contentId, first, end);
      const reader = await weights.reader(contentId);
      const report = Comlink.proxy((progress: LoadProgress) => {
        if (isStored || progress.phase !== "uploading") onProgress(progress);
      });
      return stage.loadShard(shard, options, Comlink.transfer(reader, [reader]), report, role);
    };
    // The loader reads in another order than what earlier stages download is waited for.
    if (earlier.length > 0 && !isNear(model)) {
      await prefetch();
      return load();
    }
    try {
      const [loaded] = await Promise.all([load(), prefetch()]);
      return loaded;
    } finally {
      ended = true;
    }
  };

  return {
    async inspect(source: ModelSource) {
      if (source.kind === "url") return (await open({ ...source, server })).summary;
      const contentId = source.member === self ? picked.get(source.fileName) : undefined;
      const known = contentId === undefined ? undefined : opened.get(contentId);
      if (known) return known.summary;
      throw new FailureError({ reason: "file_not_open", file: source.fileName });
    },
    async addFile(file, fileName, onProgress) {
      const { summary } = await open({ kind: "file", file, fileName, member: self }, onProgress);
      picked.set(fileName, summary.contentId);
      return summary;
    },
    async loadShard(request, onProgress) {
      if (request.role !== "beside") onHeld(null);
      const loaded = await loadShard(request, onProgress);
      onHeld(request);
      return loaded;
    },
    unloadShard() {
      onHeld(null);
      return stage.unloadShard();
    },
    unloadNext: () => stage.unloadNext(),
    async text(model) {
      const known = texts.get(model.contentId);
      if (known) return known;
      const text = modelText((await opening(model)).tokenizer, renderChat);
      texts.set(model.contentId, text);
      return text;
    },
  };
}

/** Before the id of a model: the map of its chunks. */
const MAP_PREFIX = /^map:/;

function portsOf(peers: readonly PeerPorts[]): MessagePort[] {
  return peers.flatMap(({ bytes, map }) => [bytes, map]);
}

function isElsewhere(url: string, server: string): boolean {
  return URL.canParse(url) && new URL(server).origin !== new URL(url).origin;
}

function modelText(data: TokenizerData, renderChat: ChatRenderer): ModelText {
  const tokenizer: Tokenizer = createTokenizer(data);
  const template = chatTemplateOf(data);
  return {
    encodeChat: async (messages) =>
      encodeChat(template, tokenizer, await renderChat(template, messages)),
    encodeText: (prompt) => Promise.resolve().then(() => tokenizer.encode(prompt)),
    decoder: () => tokenizer.streamingDecoder(),
    bytesOf: (token) => tokenizer.bytesOf(token, true),
    endTokens: data.endTokens,
  };
}
