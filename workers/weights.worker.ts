/** The thread that reads models from URLs, files, and members, with a cache on disk. */
import * as Comlink from "comlink";
import { LaneService, lanesOf, ModelCache, WeightsService } from "../src/model/index.ts";
import type { ModelNotice } from "../src/shared/index.ts";

const cache = ModelCache.open();
const service = new WeightsService(cache, lanesOf(navigator));

/** Bytes and ports are transferred, which must be declared here, at the thread's edge. */
const weightsWorker = {
  listen: (listener: (notice: ModelNotice) => void) => service.listen(listener),
  open: service.open.bind(service),
  shard: service.shard.bind(service),
  addPeers: service.addPeers.bind(service),
  sharedChunks: service.sharedChunks.bind(service),
  prefetch: service.prefetch.bind(service),
  clearStored: service.clearStored.bind(service),
  reader(contentId: string): MessagePort {
    const port = service.reader(contentId);
    return Comlink.transfer(port, [port]);
  },
  async read(contentId: string, offsetBytes: number, lengthBytes: number) {
    const bytes = await service.read(contentId, offsetBytes, lengthBytes);
    return Comlink.transfer(bytes, [bytes.buffer]);
  },
  async chunkMap(contentId: string) {
    const bytes = await service.chunkMap(contentId);
    return Comlink.transfer(bytes, [bytes.buffer]);
  },
  // This script also runs in the lanes that the service starts.
  lane: new LaneService(cache),
};
Comlink.expose(weightsWorker);

export type WeightsWorker = typeof weightsWorker;
