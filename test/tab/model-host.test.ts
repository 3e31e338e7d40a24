/** The default model's real file through the real weights service: shards, tokens, files of members. */
import { openAsBlob } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { createModelHost, type TabModelHost } from "../../src/tab/model-host.ts";
import type { ShardRequest } from "../../src/cluster/parts.ts";
import { MemoryNetwork } from "../../tools/room/memory-transport.ts";
import { renderChat } from "../../src/model/chat-template.ts";
import { readerFromPort } from "../../src/model/reader-port.ts";
import { WeightsService } from "../../src/model/weights-service.ts";
import type { ShardDescription } from "../../src/model/description.ts";
import { MemberId } from "../../src/shared/ids.ts";
import type { ModelSummary } from "../../src/shared/model.ts";
import { PLAIN_LOOPS } from "../../tools/cpu/cpu-shard.ts";
import { startRangeServer } from "../../tools/gguf/range-server.ts";
import { tinyModel } from "../../tools/gguf/tiny-gguf.ts";

const FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";

type Loaded = { readonly shard: ShardDescription; readonly firstBytes: Uint8Array };

/** A tab whose stage only records its shard and reads its first tensor. */
function tab(network: MemoryNetwork, name: string, server?: string) {
  const loaded: Loaded[] = [];
  const service = new WeightsService(Promise.resolve(null));
  const self = MemberId.parse(name);
  const host = createModelHost({
    self,
    transport: network.join(self),
    renderChat: (...chat) => Promise.resolve(renderChat(...chat)),
    ...(server === undefined ? {} : { server }),
    weights: {
      open: (request) => service.open(request),
      shard: (...range) => Promise.resolve(service.shard(...range)),
      prefetch: (...range) => service.prefetch(...range),
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
    },
  });
  return { host, loaded };
}

function shardOf(model: ModelSummary, first: number, end: number): ShardRequest {
  const rest = {
    contextTokens: 128,
    sequences: 1,
    memoryBudgetBytes: 1e9,
    submitWhileWaiting: false,
  };
  return { model, first, end, activations: "float", ...rest };
}

describe("a file that one member picked", () => {
  const network = new MemoryNetwork();
  const owner = tab(network, "owner");
  const other = tab(network, "other");
  let model: ModelSummary;

  beforeAll(async () => {
    model = await owner.host.addFile(await openAsBlob(`models/${FILE}`), FILE);
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
    expect(other.loaded[0]?.shard).toMatchObject({ first: 10, end: 20, embedding: null });
  });

  test("its tokenizer and template come from the file", async () => {
    const text = await other.host.text(model);
    const tokens = await text.encodeChat([{ role: "user", content: "Hi 😀" }]);
    const decoder = text.decoder();
    const said = [...tokens].map((token) => decoder.push(token)).join("") + decoder.flush();
    expect(said).toContain("Hi 😀");
    expect(text.endTokens.length).toBeGreaterThan(0);
    expect([...(await text.encodeText("Hello"))]).toEqual([19556]);
    expect(new TextDecoder().decode(text.bytesOf(19556))).toBe("Hello");
  });

  test("another file of the same name is refused", async () => {
    const odd = { ...model, contentId: "something else" };
    await expect(other.host.loadShard(shardOf(odd, 0, 1), () => undefined)).rejects.toMatchObject({
      failure: { reason: "model_differs", model: model.name },
    });
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
