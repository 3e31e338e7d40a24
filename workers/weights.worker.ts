/** The thread that reads models: from URLs, files and members, through the disk's cache. */
import * as Comlink from "comlink";
import { WeightsService } from "../src/model/index.ts";

const service = new WeightsService();

/** Bytes and ports leave by transfer, which only the thread's edge can say. */
const weightsWorker = {
  listen: (listener: (message: string) => void) => service.listen(listener),
  open: service.open.bind(service),
  shard: service.shard.bind(service),
  prefetch: service.prefetch.bind(service),
  close: service.close.bind(service),
  storedModels: service.storedModels.bind(service),
  removeStored: service.removeStored.bind(service),
  clearStored: service.clearStored.bind(service),
  reader(contentId: string): MessagePort {
    const port = service.reader(contentId);
    return Comlink.transfer(port, [port]);
  },
  async read(contentId: string, offsetBytes: number, lengthBytes: number) {
    const bytes = await service.read(contentId, offsetBytes, lengthBytes);
    return Comlink.transfer(bytes, [bytes.buffer]);
  },
};
Comlink.expose(weightsWorker);

export type WeightsWorker = typeof weightsWorker;
