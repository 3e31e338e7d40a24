import { afterEach, describe, expect, test } from "vitest";
import { iceServersOf } from "../../server/ice-servers.ts";
import { ServerFacts } from "../../src/shared/server-facts.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";

let server: TestServer | null = null;
afterEach(() => server?.close());

async function facts(): Promise<ServerFacts> {
  return ServerFacts.parse(await (await fetch(`${server!.url}/server.json`)).json());
}

describe("GET /server.json", () => {
  test("contains the addresses that the server listens on", async () => {
    server = await openTestServer();
    expect(await facts()).toEqual({ addresses: server.addresses, iceServers: [] });
    expect(server.addresses).toEqual([`http://localhost:${server.port}`]);
  });

  test("contains the ICE servers that the server was started with", async () => {
    const iceServers = [{ urls: "turn:turn.example.org", username: "u", credential: "c" }];
    server = await openTestServer({ iceServers });
    expect((await facts()).iceServers).toEqual(iceServers);
  });
});

describe("ICE_SERVERS", () => {
  test("is empty unless set", () => {
    expect(iceServersOf(undefined)).toEqual([]);
    expect(iceServersOf("")).toEqual([]);
  });

  test("is a list as in RTCConfiguration", () => {
    expect(iceServersOf('[{"urls":["stun:a.example","stun:b.example"]}]')).toEqual([
      { urls: ["stun:a.example", "stun:b.example"] },
    ]);
  });

  test.each(["stun:stun.example.org", '{"urls":"stun:a"}', '[{"url":"stun:a"}]', '[{"urls":[]}]'])(
    "%s gets one line that says how to write it",
    (value) => {
      const problem = iceServersOf(value);
      expect(problem).toMatch(/^ICE_SERVERS is not a list of ICE servers.*write it as/);
      expect(problem).not.toContain("\n");
    },
  );
});
