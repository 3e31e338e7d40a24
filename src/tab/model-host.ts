/**
 * The models of this tab: opens them in the weights worker, serves files that were picked
 * here to the other members, loads this tab's layers into the stage, and creates the
 * tokenizer. Each model is opened once.
 */
import * as Comlink from "comlink";
import { peerByteReader, serveBytes, type Transport } from "../mesh/index.ts";
import {
  chatTemplateOf,
  encodeChat,
  exposeReader,
  createTokenizer,
  type Tokenizer,
  type TokenizerData,
  type OpenedSummary,
  type OpenRequest,
  type WeightsService,
} from "../model/index.ts";
import {
  type MemberId,
  type ModelSource,
  type ModelSummary,
  FailureError,
  type KernelReport,
} from "../shared/index.ts";
import type { StageWorker } from "../stage/index.ts";
import type { ChatRenderer } from "./chat-renderer.ts";
import type { LoadProgress, ModelHost, ModelText, ShardRequest } from "../cluster/index.ts";

/** The weights worker, seen from this thread. */
export type Weights = {
  [K in "open" | "shard" | "prefetch" | "reader" | "read"]: (
    ...parameters: Parameters<WeightsService[K]>
  ) => Promise<Awaited<ReturnType<WeightsService[K]>>>;
};

export type ModelHostParts = {
  readonly self: MemberId;
  readonly weights: Weights;
  readonly stage: Pick<StageWorker, "loadShard" | "unloadShard">;
  readonly transport: Transport;
  readonly renderChat: ChatRenderer;
  /** Where relative URLs of models lead; this page's origin unless given. */
  readonly server?: string;
};

export type TabModelHost = ModelHost & {
  /** A file that a person picked here; the other members read it from this tab. */
  addFile(file: Blob, fileName: string): Promise<ModelSummary>;
};

export function createModelHost({
  self,
  weights,
  stage,
  transport,
  renderChat,
  server,
}: ModelHostParts): TabModelHost {
  const opened = new Map<string, OpenedSummary>();
  const texts = new Map<string, ModelText>();
  /** The files that this tab serves, by name. */
  const lent = new Map<string, string>();

  serveBytes(transport, (fileName) => {
    const contentId = lent.get(fileName);
    return contentId === undefined
      ? null
      : (offset, length) => weights.read(contentId, offset, length);
  });

  const open = async (request: OpenRequest): Promise<OpenedSummary> => {
    const transfer = request.kind === "peer" ? [request.port] : [];
    const model = await weights.open(Comlink.transfer(request, transfer));
    opened.set(model.summary.contentId, model);
    return model;
  };

  const opening = async (model: ModelSummary): Promise<OpenedSummary> => {
    const known = opened.get(model.contentId);
    if (known) return known;
    const found = await open(onServer(await requestOf(model, self, transport), server));
    if (found.summary.contentId === model.contentId) return found;
    // Its header or its length differs.
    throw new FailureError({ reason: "model_differs", model: model.name });
  };

  return {
    async inspect(source: ModelSource) {
      if (source.kind === "url") return (await open(onServer(source, server))).summary;
      const contentId = source.member === self ? lent.get(source.fileName) : undefined;
      const known = contentId === undefined ? undefined : opened.get(contentId);
      if (known) return known.summary;
      throw new FailureError({ reason: "file_not_open", file: source.fileName });
    },
    async addFile(file, fileName) {
      const { summary } = await open({ kind: "file", file, fileName, member: self });
      lent.set(fileName, summary.contentId);
      return summary;
    },
    async loadShard(request, onProgress) {
      const { contentId } = (await opening(request.model)).summary;
      await weights.prefetch(
        contentId,
        request.first,
        request.end,
        Comlink.proxy((progress) => onProgress({ phase: "downloading", ...progress })),
      );
      return load(weights, stage, contentId, request, onProgress);
    },
    unloadShard: () => stage.unloadShard(),
    async text(model) {
      const known = texts.get(model.contentId);
      if (known) return known;
      const text = modelText((await opening(model)).tokenizer, renderChat);
      texts.set(model.contentId, text);
      return text;
    },
  };
}

async function load(
  weights: Weights,
  stage: Pick<StageWorker, "loadShard">,
  contentId: string,
  request: ShardRequest,
  onProgress: (progress: LoadProgress) => void,
): Promise<{ readonly kernels: KernelReport }> {
  const {
    first,
    end,
    contextTokens,
    sequences,
    activations,
    memoryBudgetBytes,
    submitWhileWaiting,
  } = request;
  const shard = await weights.shard(contentId, first, end);
  const reader = await weights.reader(contentId);
  return stage.loadShard(
    shard,
    { contextTokens, sequences, activations, memoryBudgetBytes, submitWhileWaiting },
    Comlink.transfer(reader, [reader]),
    Comlink.proxy(onProgress),
  );
}

function onServer(request: OpenRequest, server: string | undefined): OpenRequest {
  return request.kind === "url" && server !== undefined ? { ...request, server } : request;
}

async function requestOf(
  { source, fileBytes }: ModelSummary,
  self: MemberId,
  transport: Transport,
): Promise<OpenRequest> {
  if (source.kind === "url") return source;
  const { member, fileName } = source;
  if (member === self) {
    throw new FailureError({ reason: "file_not_open", file: fileName });
  }
  await transport.connect(member);
  const { read } = peerByteReader(transport, member, fileName);
  return { kind: "peer", member, fileName, fileBytes, port: exposeReader({ read }) };
}

function modelText(data: TokenizerData, renderChat: ChatRenderer): ModelText {
  const tokenizer: Tokenizer = createTokenizer(data);
  const template = chatTemplateOf(data);
  return {
    encodeChat: async (messages) =>
      encodeChat(template, tokenizer, await renderChat(template, messages)),
    encodeText: (prompt) => Promise.resolve().then(() => tokenizer.encode(prompt)),
    decoder() {
      const decoder = tokenizer.streamingDecoder();
      return { push: (token) => decoder.push(token), flush: () => decoder.finish() };
    },
    bytesOf: (token) => tokenizer.bytesOf(token, true),
    endTokens: Uint32Array.from(data.endTokens),
  };
}
