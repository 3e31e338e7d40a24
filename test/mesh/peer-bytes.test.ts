/** A peer that asks for more of a file than it reads. */
import { expect, test } from "vitest";
import { pack } from "../../src/mesh/packet.ts";
import {
  MAX_ANSWERS_AT_ONCE,
  MAX_WAITING_REQUESTS,
  serveBytes,
} from "../../src/mesh/peer-bytes.ts";
import { MemberId } from "../../src/shared/ids.ts";
import { MemoryNetwork } from "../../tools/room/memory-transport.ts";
import { until } from "../../tools/room/test-room.ts";

function request(id: number): Uint8Array<ArrayBuffer> {
  return pack({ type: "request", id, offsetBytes: 0, lengthBytes: 4, key: "model.gguf" });
}

async function pair() {
  const network = new MemoryNetwork();
  const [server, reader] = ["a", "b"].map((id) => network.join(MemberId.parse(id)));
  await reader!.connect(server!.self);
  return { server: server!, reader: reader! };
}

test("gets a few answers at a time, and all of them in the end", async () => {
  const { server, reader } = await pair();
  const reads: (() => void)[] = [];
  serveBytes(server, () => () => {
    return new Promise((resolve) => reads.push(() => resolve(new Uint8Array(4))));
  });
  let answers = 0;
  reader.events.onBytes(() => (answers += 1));
  const count = 3 * MAX_ANSWERS_AT_ONCE;
  for (let id = 0; id < count; id += 1) await reader.sendBytes(server.self, request(id));
  await until(() => reads.length === MAX_ANSWERS_AT_ONCE, "the first reads");
  for (let done = 0; done < count; done += 1) {
    await until(() => reads.length > 0, "a further read");
    expect(reads.length).toBeLessThanOrEqual(MAX_ANSWERS_AT_ONCE);
    reads.shift()!();
  }
  await until(() => answers === count, "all answers");
});

test("is disconnected when too many of its requests wait", async () => {
  const { server, reader } = await pair();
  let reads = 0;
  serveBytes(server, () => () => {
    reads += 1;
    return new Promise(() => undefined);
  });
  const count = MAX_WAITING_REQUESTS + MAX_ANSWERS_AT_ONCE + 1;
  for (let id = 0; id < count; id += 1)
    await reader.sendBytes(server.self, request(id)).catch(() => undefined);
  await until(() => reader.connectedPeers().length === 0, "the end of its connection");
  expect(reads).toBe(MAX_ANSWERS_AT_ONCE);
});
