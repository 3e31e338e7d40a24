/** Reads models: GGUF files from any source, their description, their tokenizer, and their chat template. */
export type { ByteSource } from "./byte-source.ts";
export { CHUNK_BYTES, chunkParts, sha256 } from "./chunks.ts";
export {
  type ChatTemplate,
  chatTemplateOf,
  type ChatTurn,
  encodeChat,
  renderChat,
} from "./chat-template.ts";
export type { ByteReader, ModelDescription, TensorInfo } from "./description.ts";
export type { LayerTensors, ShardDescription } from "./shard.ts";
export { lanesOf } from "./lane-thread.ts";
export { LaneService } from "./lanes.ts";
export { ModelCache } from "./model-cache.ts";
export { type OpenedModel, openModel } from "./open-model.ts";
export { exposeReader } from "./reader-port.ts";
export type { TokenizerData } from "./tokenizer-data.ts";
export { createTokenizer, type Tokenizer } from "./tokenizer.ts";
export { openUrl } from "./url-source.ts";
export type { OpenRequest, PeerPorts } from "./open-request.ts";
export { type DownloadProgress, type OpenedSummary, WeightsService } from "./weights-service.ts";
