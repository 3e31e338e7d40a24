/** The default model's real file through the real weights service: shards, tokens, files of members. */
import { openAsBlob, readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createModelHost, type TabModelHost } from "../../src/tab/model-host.ts";
import type { ShardRequest } from "../../src/cluster/parts.ts";
import { MemoryNetwork } from "../../tools/room/memory-transport.ts";
import { serveBytes } from "../../src/mesh/peer-bytes.ts";
import { renderChat } from "../../src/model/chat-template.ts";
import { readerFromPort } from "../../src/model/reader-port.ts";
import { type DownloadProgress, WeightsService } from "../../src/model/weights-service.ts";
import type { ShardDescription } from "../../src/model/shard.ts";
import { failureOf } from "../../src/shared/failure.ts";
import { type Clock, SYSTEM_CLOCK } from "../../src/shared/clock.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { ModelSummary } from "../../src/shared/model.ts";
import type { ModelNotice } from "../../src/shared/model-failure.ts";
import { PLAIN_LOOPS } from "../../tools/cpu/cpu-shard.ts";
import { memoryStorage } from "../../tools/gguf/memory-store.ts";
import { startRangeServer } from "../../tools/gguf/range-server.ts";
import { tinyModel } from "../../tools/gguf/tiny-gguf.ts";

const FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";

type Loaded = { readonly shard: ShardDescription; readonly firstBytes: Uint8Array };

/** A hundred times faster than the real one. */
const FAST_CLOCK: Clock = {
  nowMs: () => 100 * SYSTEM_CLOCK.nowMs(),
  after: (delayMs, act) => SYSTEM_CLOCK.after(delayMs / 100, act),
};

/** A tab whose stage only records its shard and reads its first tensor. */
function tab(network: MemoryNetwork, name: string, server = "http://localhost:8787") {
  const loaded: Loaded[] = [];
  /** The layers that the tab held, one after another. */
  const held: ([number, number] | null)[] = [];
  const service = new WeightsService(Promise.resolve(memoryStorage()));
  const notices: ModelNotice[] = [];
  service.listen((notice) => notices.push(notice));
  const self = MemberId.parse(name);
  const transport = network.join(self);
  const host = createModelHost({
    self,
    transport,
    renderChat: (...chat) => Promise.resolve(renderChat(...chat)),
    clock: FAST_CLOCK,
    server,
    onHeld: (shard) => held.push(shard && [shard.first, shard.end]),
    weights: {
      open: (...request) => service.open(...request),
      addPeers: (...parts) => service.addPeers(...parts),
      chunkMap: (contentId) => service.chunkMap(contentId),
      shard: (...range) => Promise.resolve(service.shard(...range)),
      prefetch: (...range) => service.prefetch(...range),
      sharedChunks: (...range) => Promise.resolve(service.sharedChunks(...range)),
      reader: (contentId) => Promise.resolve(service.reader(contentId)),
      read: (...range) => service.read(...range),
    },
    stage: {
      async loadShard(shard, _options, port) {
        const tensor = shard.layers[0]!.attentionNorm;
        const reader = readerFromPort(port);
        loaded.push({ shard, firstBytes: await reader.read(tensor.offsetBytes, 16) });
        port.close();
        return { memory: { weightBytes: 0, cacheBytes: 0, scratchBytes: 0 }, kernels: PLAIN_LOOPS };
      },
      unloadShard: () => Promise.resolve(),
      unloadNext: () => Promise.resolve(),
    },
  });
  return { host, loaded, held, notices, transport, service };
}

function shardOf(model: ModelSummary, first: number, end: number): ShardRequest {
  const rest = {
    contextTokens: 128,
    generationSlots: 1,
    memoryBudgetBytes: 1e9,
    submitWhileWaiting: false,
    role: "instead",
    missing: { first, end },
  } as const;
  return { model, first, end, earlier: [], activations: "float", ...rest };
}

describe("a file that one member picked", () => {
  const network = new MemoryNetwork();
  const owner = tab(network, "owner");
  const other = tab(network, "other");
  let model: ModelSummary;
  const read: number[] = [];

  beforeAll(async () => {
    const onProgress = ({ doneBytes, totalBytes }: DownloadProgress) =>
      read.push(doneBytes / totalBytes);
    model = await owner.host.addFile(await openAsBlob(`models/${FILE}`), FILE, onProgress);
  });

  test("is read with progress, up to its end", () => {
    expect(read.length).toBeGreaterThan(5);
    expect(read).toEqual([...read].sort((one, other) => one - other));
    expect(read.at(-1)).toBe(1);
  });

  test("has a summary that names its owner", async () => {
    expect(model).toMatchObject({
      name: "SmolLM2-135M-Instruct.Q4_1",
      source: { kind: "member", member: "owner", fileName: FILE },
      fileBytes: 98_362_432,
      hidden: 576,
      vocabulary: 49_152,
    });
    expect(model.layers).toHaveLength(30);
    const again: TabModelHost = owner.host;
    expect(await again.inspect(model.source)).toEqual(model);
  });

  test("its layers load on another member, with the owner's bytes", async () => {
    await owner.host.loadShard(shardOf(model, 10, 20), () => undefined);
    const { kernels } = await other.host.loadShard(shardOf(model, 10, 20), () => undefined);
    expect(kernels).toEqual(PLAIN_LOOPS);
    expect(other.loaded[0]).toEqual(owner.loaded[0]);
    expect(other.held).toEqual([null, [10, 20]]);
    expect(other.loaded[0]?.shard).toMatchObject({ first: 10, end: 20, embedding: null });
  });

  test("its tokenizer and template come from the file", async () => {
    const text = await other.host.text(model);
    const tokens = await text.encodeChat([{ role: "user", content: "Hi 😀" }]);
    const decoder = text.decoder();
    const said = [...tokens].map((token) => decoder.push(token)).join("") + decoder.finish();
    expect(said).toContain("Hi 😀");
    expect(text.endTokens.length).toBeGreaterThan(0);
    expect([...(await text.encodeText("Hello"))]).toEqual([19556]);
    expect(new TextDecoder().decode(text.bytesOf(19556))).toBe("Hello");
  });

  test("a file is found by its content, not by its name", async () => {
    const odd = { ...model, contentId: "something else" };
    const failed = other.host.loadShard(shardOf(odd, 0, 1), () => undefined);
    expect(failureOf(await failed.catch((error: unknown) => error))).toMatchObject({
      reason: "peer_has_no_file",
      file: FILE,
    });
  });

  test("a third member reads it from the second, after the owner has left", async () => {
    const third = tab(network, "third");
    await third.transport.connect(other.transport.self);
    owner.transport.close();
    await third.host.loadShard(shardOf(model, 10, 20), () => undefined);
    expect(third.loaded[0]).toEqual(other.loaded[0]);
    const missing = third.host.loadShard(shardOf(model, 0, 5), () => undefined);
    expect(failureOf(await missing.catch((error: unknown) => error))).toMatchObject({
      reason: "range_not_held",
    });
  });
});

/** Serves the model's bytes with one wrong byte in its weights, and the honest map, or none. */
function liar(network: MemoryNetwork, id: string, honest: Uint8Array, map: Uint8Array) {
  const transport = network.join(MemberId.parse("liar"));
  const wrong = Uint8Array.from(honest);
  wrong[wrong.length - 100]! ^= 1;
  serveBytes(transport, (key) => {
    const bytes = key === id ? wrong : key === `map:${id}` ? map : null;
    if (bytes === null) return null;
    return (offset, length) =>
      Promise.resolve(Uint8Array.from(bytes.subarray(offset, offset + length)));
  });
  return transport;
}

describe("a member that sends wrong bytes", () => {
  const bytes = tinyModel();

  test("of a picked file is named, and the bytes are read from another member", async () => {
    const network = new MemoryNetwork();
    const [owner, other] = [tab(network, "owner"), tab(network, "other")];
    const model = await owner.host.addFile(new Blob([bytes]), "tiny.gguf");
    const map = await owner.service.chunkMap(model.contentId);
    const hostile = liar(network, model.contentId, bytes, map);
    // Which member is asked first is random.
    for (let attempt = 0; attempt < 50 && other.notices.length === 0; attempt++) {
      const reader = tab(network, `other-${attempt}`);
      await reader.transport.connect(hostile.self);
      await reader.host.loadShard(shardOf(model, 0, 2), () => undefined);
      expect(await reader.service.read(model.contentId, 0, bytes.length)).toEqual(bytes);
      other.notices.push(...reader.notices);
    }
    expect(other.notices).toEqual([
      { notice: "peer_bytes_wrong", peer: hostile.self, file: "tiny.gguf" },
    ]);
  });

  test("of a picked file that nobody else has is named by the failure", async () => {
    const network = new MemoryNetwork();
    const [owner, other] = [tab(network, "owner"), tab(network, "other")];
    const model = await owner.host.addFile(new Blob([bytes]), "tiny.gguf");
    const map = await owner.service.chunkMap(model.contentId);
    owner.transport.close();
    const hostile = liar(network, model.contentId, bytes, map);
    await other.transport.connect(hostile.self);
    const failed = await other.host.text(model).catch((error: unknown) => error);
    expect(failureOf(failed)).toMatchObject({ reason: "peer_bytes_wrong", peer: hostile.self });
  });

  test("with hashes of its own is refused by the root", async () => {
    const network = new MemoryNetwork();
    const [owner, other] = [tab(network, "owner"), tab(network, "other")];
    const model = await owner.host.addFile(new Blob([bytes]), "tiny.gguf");
    const wrong = Uint8Array.from(bytes);
    wrong[wrong.length - 100]! ^= 1;
    const forger = tab(new MemoryNetwork(), "forger");
    const forged = await forger.host.addFile(new Blob([wrong]), "tiny.gguf");
    expect(forged.contentId).not.toBe(model.contentId);
    const map = await forger.service.chunkMap(forged.contentId);
    owner.transport.close();
    const hostile = liar(network, model.contentId, bytes, map);
    await other.transport.connect(hostile.self);
    const failed = await other.host.text(model).catch((error: unknown) => error);
    expect(failureOf(failed)).toMatchObject({ reason: "peer_bytes_wrong", peer: hostile.self });
  });
});

test("the network is asked once for what a member has: another reads it there", async () => {
  await using files = await startRangeServer(readFileSync(`models/${FILE}`));
  const network = new MemoryNetwork();
  const server = "http://room.example/";
  const [first, second] = [tab(network, "first", server), tab(network, "second", server)];
  const model = await first.host.inspect({ kind: "url", url: files.url });
  await first.host.loadShard(shardOf(model, 0, 30), () => undefined);
  await second.transport.connect(first.transport.self);
  const before = files.bytesSent;
  await second.host.loadShard(shardOf(model, 0, 30), () => undefined);
  // The header, the first run of chunks, and one in 16 more.
  expect(files.bytesSent - before).toBeLessThan(model.fileBytes / 2);
  expect(second.loaded[0]).toEqual(first.loaded[0]);
  expect(second.notices).toEqual([]);
});

describe("what two stages need, a tied embedding", () => {
  const halves = (model: ModelSummary) => [
    shardOf(model, 0, 15),
    { ...shardOf(model, 15, 30), earlier: [{ first: 0, end: 15 }] },
  ];
  afterEach(() => void vi.restoreAllMocks());

  test("is downloaded once although they load at the same time", async () => {
    // Of a member's bytes, only one chunk is compared with the source.
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    await using files = await startRangeServer(readFileSync(`models/${FILE}`));
    const network = new MemoryNetwork();
    const server = "http://room.example/";
    const [first, last] = [tab(network, "first", server), tab(network, "last", server)];
    await last.transport.connect(first.transport.self);
    const model = await first.host.inspect({ kind: "url", url: files.url });
    await last.host.text(model);
    const headers = files.bytesSent;
    const [one, other] = halves(model);
    await Promise.all([
      first.host.loadShard(one!, () => undefined),
      last.host.loadShard(other!, () => undefined),
    ]);
    // Twice: that chunk, and those in which the layers of one end and those of the other begin.
    const bound = model.fileBytes + (8 << 20);
    expect(model.embedBytes).toBeGreaterThan(16 << 20);
    expect(files.bytesSent - headers).toBeLessThan(bound);
    const { head } = last.loaded[0]!.shard;
    const { offsetBytes, lengthBytes } = head!;
    const port = last.service.reader(model.contentId);
    const read = await readerFromPort(port).read(offsetBytes, lengthBytes);
    port.close();
    const truth = readFileSync(`models/${FILE}`).subarray(offsetBytes, offsetBytes + lengthBytes);
    expect(Buffer.compare(read, truth)).toBe(0);
  });

  test("is not waited for if the earlier stage downloads nothing", async () => {
    await using files = await startRangeServer(tinyModel());
    const network = new MemoryNetwork();
    const server = "http://room.example/";
    const [idle, last] = [tab(network, "idle", server), tab(network, "last", server)];
    await last.transport.connect(idle.transport.self);
    const model = await idle.host.inspect({ kind: "url", url: files.url });
    const request = { ...shardOf(model, 1, 2), earlier: [{ first: 0, end: 1 }] };
    await last.host.loadShard(request, () => undefined);
    expect(last.loaded).toHaveLength(1);
  });
});

test("a file that this tab does not have is refused", async () => {
  const { host } = tab(new MemoryNetwork(), "owner");
  const source = { kind: "member", member: MemberId.parse("owner"), fileName: FILE } as const;
  await expect(host.inspect(source)).rejects.toMatchObject({
    failure: { reason: "file_not_open", file: source.fileName },
  });
});

test("a relative URL is opened on the server, and stays relative for the other members", async () => {
  await using files = await startRangeServer(tinyModel());
  const { host } = tab(new MemoryNetwork(), "visitor", files.url);
  const source = { kind: "url", url: "/model.gguf" } as const;
  expect(await host.inspect(source)).toMatchObject({ name: "model", source });
});
