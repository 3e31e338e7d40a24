/**
 * A `ByteReader` across threads: one side exposes it on a port, the other reads
 * through it. Bytes are transferred, not copied.
 */
import * as Comlink from "comlink";
import type { ByteReader } from "./description.ts";

/** Serves `reader` on one end of a new channel and returns the other end, to be transferred. */
export function exposeReader(reader: ByteReader): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const served: ByteReader = {
    async read(offsetBytes, lengthBytes) {
      const bytes = await reader.read(offsetBytes, lengthBytes);
      return Comlink.transfer(bytes, [bytes.buffer]);
    },
  };
  Comlink.expose(served, port1);
  return port2;
}

/** The reader behind a port from `exposeReader`. */
export function readerFromPort(port: MessagePort): ByteReader {
  return Comlink.wrap<ByteReader>(port);
}
