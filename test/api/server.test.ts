/** What a tab learns from a server, against the real one. */
import { afterEach, expect, test } from "vitest";
import { readOfferedModels, readServerFacts } from "../../src/api/index.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";

let server: TestServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

/** The discard port: nothing listens there. */
const NO_SERVER = "http://127.0.0.1:9";

test("facts: addresses and ICE servers; null without a server", async () => {
  const iceServers = [{ urls: "stun:stun.example.org" }];
  server = await openTestServer({ iceServers });
  expect(await readServerFacts(server.url)).toEqual({ addresses: server.addresses, iceServers });
  expect(await readServerFacts(NO_SERVER)).toBeNull();
});

test("offered models: names, and URLs relative to the server; none without a server", async () => {
  server = await openTestServer();
  expect(await readOfferedModels(server.url)).toMatchObject([
    { name: "tiny model", url: "/models/tiny%20model.gguf" },
  ]);
  expect(await readOfferedModels(NO_SERVER)).toEqual([]);
});
