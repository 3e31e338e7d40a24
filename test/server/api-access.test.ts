/** Who may use the rooms' API and get TURN credentials, from this machine and from others. */
import { request as httpsRequest } from "node:https";
import { afterEach, describe, expect, test } from "vitest";
import { type ApiRequest, decideApiAccess } from "../../server/api-access.ts";
import { RoomCode } from "../../src/shared/ids.ts";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";
import { answerJson, openFakeRoom, ROOM } from "./fake-room.ts";

const OTHER = RoomCode.parse("GHJKMN");

describe("without a key", () => {
  const local: ApiRequest = {
    apiKey: null,
    isLocal: true,
    authorization: undefined,
    named: null,
    rooms: [ROOM, OTHER],
  };
  const outcome = (request: Partial<ApiRequest>) => {
    const access = decideApiAccess({ ...local, ...request });
    return typeof access === "string" ? access : access.reason;
  };

  test("a program on this machine needs nothing, and OpenAI clients may send any key", () => {
    expect(outcome({ named: ROOM })).toBe(ROOM);
    expect(outcome({ authorization: "Bearer none", named: ROOM })).toBe(ROOM);
    expect(outcome({ authorization: "Bearer none", rooms: [OTHER] })).toBe(OTHER);
    expect(outcome({})).toBe("room_required");
  });

  test.each([
    [undefined, null, "code_missing"],
    ["Basic ABCDEF", null, "code_missing"],
    ["Bearer ", null, "code_missing"],
    ["Bearer none", null, "code_wrong"],
    ["Bearer ZZZZZZ", null, "code_wrong"],
    ["Bearer ABCDEF", null, ROOM],
    ["bearer abcdef", null, ROOM],
    ["Bearer ABCDEF", "abcdef", ROOM],
    ["Bearer ABCDEF", OTHER, "code_wrong"],
    ["Bearer ABCDEF", "x", "code_wrong"],
    [undefined, ROOM, "code_missing"],
  ])("from another machine, %s for the room %s is %s", (authorization, named, expected) => {
    expect(outcome({ isLocal: false, authorization, named })).toBe(expected);
  });

  test("with a key, the code is not enough, and this machine needs the key too", () => {
    const keyed = { apiKey: "secret" };
    for (const isLocal of [true, false]) {
      const to = (authorization?: string) => outcome({ ...keyed, isLocal, authorization });
      expect(to()).toBe("key_missing");
      expect(to("Bearer ABCDEF")).toBe("key_wrong");
      expect(to("Bearer secret")).toBe("room_required");
    }
  });
});

describe("a server", () => {
  let server: TestServer;
  afterEach(() => server.close());

  /** As from another machine: over TLS to this one, by a name that is not the loopback's. */
  const remote = (path: string, authorization?: string) =>
    new Promise<{ status: number; retryAfter: string | undefined; body: unknown }>(
      (resolve, reject) => {
        const headers = {
          host: "tab.example",
          ...(authorization === undefined ? {} : { authorization }),
        };
        const options = { headers, rejectUnauthorized: false, agent: false };
        httpsRequest(`https://127.0.0.1:${server.port}${path}`, options, (response) => {
          let text = "";
          response.on("data", (data: Buffer) => (text += data.toString()));
          response.on("end", () => {
            const { statusCode = 0, headers } = response;
            resolve({
              status: statusCode,
              retryAfter: headers["retry-after"],
              body: JSON.parse(text) as unknown,
            });
          });
        })
          .on("error", reject)
          .end();
      },
    );
  const reason = (name: string) => ({ error: { reason: { reason: name } } });
  const open = async (guesses = { perSecond: 0.1, burst: 100 }) => {
    server = await openTestServer({
      lan: true,
      hosts: ["tab.example"],
      limits: { guesses },
      iceServers: [
        { urls: "stun:stun.example.org" },
        { urls: "turn:turn.example.org", username: "u", credential: "c" },
      ],
    });
    await openFakeRoom(server.port, (request, room) => answerJson(room, request.id, request.query));
  };

  test("requires the room's code from another machine, and none on localhost", async () => {
    await open();
    expect(await remote("/api/state")).toMatchObject({ status: 401, body: reason("code_missing") });
    expect(await remote("/v1/models?room=ABCDEF")).toMatchObject({ status: 401 });
    expect(await remote("/api/state", "Bearer ZZZZZZ")).toMatchObject({
      status: 401,
      body: reason("code_wrong"),
    });
    expect(await remote("/api/state", "Bearer abcdef")).toMatchObject({ status: 200 });
    expect((await fetch(`${server.url}/api/state`)).status).toBe(200);
  });

  test("slows the guessing of codes", async () => {
    // One for the room, which is new.
    await open({ perSecond: 0.1, burst: 4 });
    for (const code of ["AAAAAA", "BBBBBB", "CCCCCC"]) {
      expect((await remote("/api/state", `Bearer ${code}`)).status).toBe(401);
    }
    for (const code of ["DDDDDD", "EEEEEE"]) {
      expect(await remote("/api/state", `Bearer ${code}`)).toMatchObject({
        status: 429,
        retryAfter: "10",
        body: reason("rate_limited"),
      });
    }
    expect((await fetch(`${server.url}/api/state`)).status).toBe(200);
  });

  test("gives TURN credentials to this machine and to anyone who has the code of an open room", async () => {
    await open();
    const urls = async (facts: Promise<{ body: unknown }>) =>
      ((await facts).body as { iceServers: { urls: string }[] }).iceServers.map(({ urls }) => urls);
    const both = ["stun:stun.example.org", "turn:turn.example.org"];
    expect(await urls(remote("/server.json"))).toEqual(["stun:stun.example.org"]);
    expect(await urls(remote("/server.json", "Bearer ZZZZZZ"))).toEqual(["stun:stun.example.org"]);
    expect(await urls(remote("/server.json", "Bearer ABCDEF"))).toEqual(both);
    const local = async () => {
      const body: unknown = await (await fetch(`${server.url}/server.json`)).json();
      return { body };
    };
    expect(await urls(local())).toEqual(both);
  });
});
