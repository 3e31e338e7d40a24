/** Who may talk to the server: the decisions, and what a real server does with them. */
import http from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decideAccess, isLocal, type AccessRequest } from "../../server/access.ts";
import { lanAddresses } from "../../server/lan-addresses.ts";
import { MODEL_BYTES, openTestServer, type TestServer } from "../../tools/server/test-server.ts";
import { answerJson, openFakeRoom, until } from "./fake-room.ts";

const ALLOWED = "https://app.example";
const KEY = "a-secret-key";
const JSON_TYPE = { "content-type": "application/json" };

const CURL: AccessRequest = {
  method: "GET",
  target: "/",
  hosts: ["localhost:8787"],
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
  fetchDest: undefined,
  contentType: undefined,
  requestedMethod: undefined,
  localAddress: "127.0.0.1",
  isEncrypted: false,
  isForwarded: false,
};

describe("a decision", () => {
  const policy = { port: 8787, hosts: ["192.168.1.5", "Tab.Example"], allowOrigins: [ALLOWED] };
  const decide = (request: Partial<AccessRequest>) => decideAccess(policy, { ...CURL, ...request });
  const outcome = (request: Partial<AccessRequest>) => {
    const decision = decide(request);
    return decision.kind === "refuse" ? decision.problem.reason : decision.kind;
  };

  test.each([
    [["localhost:8787"], "pass"],
    [["LOCALHOST:8787"], "pass"],
    [["127.0.0.1:8787"], "pass"],
    [["[::1]:8787"], "pass"],
    [["localhost"], "pass"],
    [["192.168.1.5:8787"], "pass"],
    [["tab.example"], "pass"],
    [["TAB.example:8787"], "pass"],
    [["localhost:8788"], "unknown_host"],
    [["evil.example:8787"], "unknown_host"],
    [["localhost.evil.example:8787"], "unknown_host"],
    [["192.168.1.6:8787"], "unknown_host"],
    [["0.0.0.0:8787"], "unknown_host"],
    [[], "invalid_host"],
    [[""], "invalid_host"],
    [["localhost:8787", "localhost:8787"], "invalid_host"],
    [["localhost:x"], "invalid_host"],
    [["localhost/:8787"], "invalid_host"],
    [["a@localhost:8787"], "invalid_host"],
    [["[::1"], "invalid_host"],
    [["local host"], "invalid_host"],
  ])("on the hosts %j is %s", (hosts, expected) => {
    expect(outcome({ hosts })).toBe(expected);
  });

  test.each([
    [undefined, "pass"],
    ["http://localhost:8787", "pass"],
    ["http://127.0.0.1:8787", "pass"],
    ["http://[::1]:8787", "pass"],
    ["https://192.168.1.5:8787", "pass"],
    [ALLOWED, "pass"],
    ["null", "foreign_origin"],
    ["", "foreign_origin"],
    ["https://evil.example", "foreign_origin"],
    ["http://localhost:3000", "foreign_origin"],
    ["http://localhost", "foreign_origin"],
    ["http://localhost:8787.evil.example", "foreign_origin"],
    ["http://localhost:8787@evil.example", "foreign_origin"],
    ["file://localhost:8787", "foreign_origin"],
    [`${ALLOWED}:444`, "foreign_origin"],
    [`${ALLOWED}.evil.example`, "foreign_origin"],
    ["http://app.example", "foreign_origin"],
    [`${ALLOWED}, ${ALLOWED}`, "foreign_origin"],
  ])("on the origin %s is %s", (origin, expected) => {
    expect(outcome({ origin })).toBe(expected);
    expect(outcome({ origin, target: "/bridge" })).toBe(expected);
  });

  test("on a proxy's origin depends on the host that the request was sent to", () => {
    expect(outcome({ origin: "https://tab.example", hosts: ["tab.example"] })).toBe("pass");
    expect(outcome({ origin: "https://tab.example" })).toBe("foreign_origin");
  });

  const link = { fetchMode: "navigate", fetchDest: "document" };
  test.each<[Partial<AccessRequest>, string]>([
    [{ fetchSite: "none", ...link, target: "/api/state" }, "pass"],
    [{ fetchSite: "same-origin", fetchMode: "cors", target: "/models/a.gguf" }, "pass"],
    [{ fetchSite: "cross-site", ...link, target: "/?room=ABCDEF" }, "pass"],
    [{ fetchSite: "cross-site", ...link, target: "/api/state" }, "cross_site"],
    [{ fetchSite: "cross-site", ...link, target: "/%61pi/state" }, "cross_site"],
    [{ fetchSite: "cross-site", ...link, method: "POST" }, "cross_site"],
    [{ fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "iframe" }, "cross_site"],
    [{ fetchSite: "cross-site", fetchMode: "no-cors", target: "/v1/models" }, "cross_site"],
    [{ fetchSite: "same-site", fetchMode: "no-cors", target: "/models/a.gguf" }, "cross_site"],
    [{ fetchSite: "cross-site", fetchMode: "cors", origin: ALLOWED }, "pass"],
  ])("on %j is %s", (request, expected) => {
    expect(outcome(request)).toBe(expected);
  });

  test.each([
    ["application/json", "pass"],
    ["Application/JSON; charset=utf-8", "pass"],
    ["text/plain", "not_json"],
    ["text/plain; application/json", "not_json"],
    ["application/jsonx", "not_json"],
    ["application/x-www-form-urlencoded", "not_json"],
    [undefined, "not_json"],
  ])("on a POST of %s is %s", (contentType, expected) => {
    expect(outcome({ method: "POST", target: "/v1/completions", contentType })).toBe(expected);
  });

  test("on a target that names another host is a refusal", () => {
    expect(outcome({ target: "http://evil.example/v1/models" })).toBe("invalid_target");
  });

  test("redirects other machines to HTTPS at the server's own names only", () => {
    const plain = { localAddress: "192.168.1.5", target: "/?room=ABCDEF" };
    expect(decide({ ...plain, hosts: ["192.168.1.5:8787"] })).toEqual({
      kind: "redirect",
      location: "https://192.168.1.5:8787/?room=ABCDEF",
    });
    expect(outcome({ ...plain, hosts: ["evil.example:8787"] })).toBe("unknown_host");
    expect(outcome({ ...plain, hosts: ["tab.example"], isEncrypted: true })).toBe("pass");
  });

  test("knows the address at which the connection arrived", () => {
    const secure = { localAddress: "fd00::1", isEncrypted: true };
    expect(outcome({ ...secure, hosts: ["[fd00::1]:8787"] })).toBe("pass");
    expect(outcome({ ...secure, hosts: ["[fd00::2]:8787"] })).toBe("unknown_host");
  });
});

describe("a request is local", () => {
  test.each<[boolean, Partial<AccessRequest>]>([
    [true, {}],
    [true, { hosts: ["[::1]:8787"], localAddress: "::1" }],
    [true, { hosts: ["LOCALHOST"], localAddress: "::ffff:127.0.0.1" }],
    [false, { localAddress: "192.168.1.5" }],
    // Behind a proxy on this machine.
    [false, { hosts: ["tab.example"] }],
    [false, { isForwarded: true }],
    [false, { hosts: [] }],
  ])("%s for %j", (expected, change) => {
    expect(isLocal({ ...CURL, ...change })).toBe(expected);
  });
});

describe("a server", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await openTestServer({ allowOrigins: [ALLOWED], hosts: ["tab.example"] });
    await openFakeRoom(server.port, (request, room) => answerJson(room, request.id, "an answer"));
    await until(async () => (await send("GET", "/api/state")).status === 200, "the room");
  });
  afterAll(() => server.close());

  const PATHS = ["/", "/server.json", "/models/", "/models/tiny%20model.gguf", "/peerjs/peerjs/id"];
  const ROOM_PATHS = ["/api/state", "/v1/models", "/%76%31/models"];

  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    sendTo(server, method, path, headers);

  test.each([...PATHS, ...ROOM_PATHS])("refuses another origin at %s", async (path) => {
    expect((await send("GET", path)).status).toBe(200);
    for (const origin of ["https://evil.example", "null", "http://localhost:1"]) {
      const { status, headers } = await send("GET", path, { origin });
      expect(status).toBe(403);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  test.each([...PATHS, ...ROOM_PATHS])("names an allowed origin at %s", async (path) => {
    for (const origin of [ALLOWED, `http://localhost:${server.port}`]) {
      const { status, headers } = await send("GET", path, { origin });
      expect(status).toBe(200);
      expect(headers["access-control-allow-origin"]).toBe(origin);
      expect(headers["access-control-expose-headers"]).toContain("Content-Range");
      expect(headers.vary).toContain("Origin");
    }
    const { headers } = await send("GET", path);
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect(headers.vary).toContain("Origin");
  });

  test.each([...PATHS, ...ROOM_PATHS])(
    "answers preflights of allowed origins at %s",
    async (path) => {
      const preflight = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-tabmesh-room",
      };
      const { status, headers } = await send("OPTIONS", path, { ...preflight, origin: ALLOWED });
      expect(status).toBe(204);
      expect(headers["access-control-allow-origin"]).toBe(ALLOWED);
      expect(headers["access-control-allow-headers"]).toBe("authorization,x-tabmesh-room");
      const other = await send("OPTIONS", path, { ...preflight, origin: "https://evil.example" });
      expect(other.status).toBe(403);
      expect(other.headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  test.each([
    ["tab.example", 200],
    ["evil.example", 421],
    ["a b", 400],
    ["[::1", 400],
  ])("answers the host %j with %i", async (host, status) => {
    expect((await send("GET", "/server.json", { host })).status).toBe(status);
    expect(await upgrade(server, "/bridge", { host })).toBe(status === 200 ? 101 : status);
  });

  test("has the same rules for a request that expects something", async () => {
    const expectation = { expect: "something" };
    expect(
      (await send("GET", "/server.json", { ...expectation, host: "evil.example" })).status,
    ).toBe(421);
    const page = await send("GET", "/", expectation);
    expect(page.status).toBe(200);
    expect(page.headers["content-security-policy"]).toBeDefined();
  });

  test("refuses requests and upgrades without a host", async () => {
    expect(await exchange(server, "GET /api/state HTTP/1.1\r\nConnection: close\r\n\r\n")).toBe(
      400,
    );
    const lines = Object.entries(UPGRADE).map(([name, value]) => `${name}: ${value}\r\n`);
    expect(await exchange(server, `GET /bridge HTTP/1.1\r\n${lines.join("")}\r\n`)).toBe(400);
  });

  test.each(["/bridge", "/peerjs/peerjs?key=peerjs&id=anna&token=t"])(
    "admits sockets at %s from its own and from allowed origins",
    async (path) => {
      expect(await upgrade(server, path, {})).toBe(101);
      expect(await upgrade(server, path, { origin: ALLOWED })).toBe(101);
      expect(await upgrade(server, path, { origin: server.url })).toBe(101);
      expect(await upgrade(server, path, { origin: "https://evil.example" })).toBe(403);
      expect(await upgrade(server, path, { origin: "null" })).toBe(403);
    },
  );

  test.each([
    ...[...PATHS, ...ROOM_PATHS].map((path) => [path, 200] as const),
    ["/missing", 404],
    ["/assets/missing.js", 404],
    ["/assets/main-abc123.js", 200],
    ["/models/missing.gguf", 404],
    ["/api/state?room=x", 400],
  ] as const)("isolates the response of %s (%i)", async (path, status) => {
    const answer = await send("GET", path);
    expect(answer.status).toBe(status);
    const { headers } = answer;
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
    const policy = headers["content-security-policy"]!.toString().split("; ");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
    const refused = await send("GET", path, { origin: "https://evil.example" });
    expect(refused.headers["content-security-policy"]).toBe(policy.join("; "));
  });

  test("refuses what another page's images and scripts request", async () => {
    const image = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
    for (const path of ["/api/state", "/v1/models", "/models/tiny%20model.gguf"]) {
      expect((await send("GET", path, image)).status).toBe(403);
    }
  });

  test("refuses a POST that is not JSON, in OpenAI's shape", async () => {
    const { status, body } = await send("POST", "/v1/completions", {
      "content-type": "text/plain",
    });
    expect(status).toBe(415);
    expect(JSON.parse(body)).toMatchObject({
      error: {
        code: "not_json",
        type: "invalid_request_error",
        reason: { reason: "not_json", contentType: "text/plain" },
      },
    });
    expect((await send("POST", "/v1/completions", JSON_TYPE)).status).toBe(200);
  });

  test("sends a model's bytes to an allowed origin by range", async () => {
    const headers = { origin: ALLOWED, range: "bytes=0-9" };
    const { status, body } = await send("GET", "/models/tiny%20model.gguf", headers);
    expect(status).toBe(206);
    expect(Buffer.from(body)).toHaveLength(10);
    expect(MODEL_BYTES).toHaveLength(1000);
  });
});

describe("a server with a key", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await openTestServer({ apiKey: KEY, allowOrigins: [ALLOWED] });
    await openFakeRoom(server.port, (request, room) => answerJson(room, request.id, "an answer"));
    const authorization = `Bearer ${KEY}`;
    const state = () => sendTo(server, "GET", "/api/state", { authorization });
    await until(async () => (await state()).status === 200, "the room");
  });
  afterAll(() => server.close());

  test.each([
    ["GET", "/api/state"],
    ["GET", "/v1/models"],
    ["GET", "/%61pi/state"],
    ["HEAD", "/api/state"],
    ["POST", "/v1/chat/completions"],
  ])("requires it for %s %s", async (method, path) => {
    const status = async (headers: Record<string, string>) =>
      (await sendTo(server, method, path, { ...JSON_TYPE, ...headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: "Bearer wrong" })).toBe(401);
    expect(await status({ authorization: `Bearer ${KEY}x` })).toBe(401);
    expect(await status({ authorization: `Basic ${KEY}` })).toBe(401);
    expect(await status({ authorization: `Bearer ${KEY}` })).toBe(200);
  });

  test("refuses in OpenAI's shape, readable by an allowed origin", async () => {
    const { headers, body } = await sendTo(server, "GET", "/v1/models", { origin: ALLOWED });
    expect(headers["www-authenticate"]).toBe("Bearer");
    expect(headers["access-control-allow-origin"]).toBe(ALLOWED);
    expect(JSON.parse(body)).toMatchObject({ error: { reason: { reason: "key_missing" } } });
  });

  test("serves the page, its models, and its sockets without one", async () => {
    expect((await sendTo(server, "GET", "/", {})).status).toBe(200);
    expect((await sendTo(server, "GET", "/models/", {})).status).toBe(200);
    expect(await upgrade(server, "/bridge", { origin: server.url })).toBe(101);
  });
});

test("--lan redirects to the server's own names only", async () => {
  const server = await openTestServer({ lan: true });
  for (const address of lanAddresses()) {
    const url = `http://${address}:${server.port}/`;
    const { status, headers } = await requestUrl(url, "GET", { host: "evil.example" });
    expect(status).toBe(421);
    expect(headers.location).toBeUndefined();
    expect((await requestUrl(url, "GET", {})).headers.location).toBe(
      `https://${address}:${server.port}/`,
    );
  }
  await server.close();
});

type Answer = { status: number; headers: http.IncomingHttpHeaders; body: string };

function sendTo(
  server: TestServer,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<Answer> {
  return requestUrl(server.url + path, method, headers);
}

/** Without `fetch`, which does not let its caller set `Host`. */
function requestUrl(url: string, method: string, headers: Record<string, string>) {
  return new Promise<Answer>((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("latin1").on("data", (text: string) => (body += text));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    request.on("error", reject).end(method === "POST" ? "{}" : undefined);
  });
}

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The status of a WebSocket handshake. */
function upgrade(server: TestServer, path: string, headers: Record<string, string>) {
  const all = { Host: `127.0.0.1:${server.port}`, ...UPGRADE, ...capitalized(headers) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return exchange(server, `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

function capitalized(headers: Record<string, string>): Record<string, string> {
  const entries = Object.entries(headers);
  return Object.fromEntries(
    entries.map(([name, value]) => [name[0]!.toUpperCase() + name.slice(1), value]),
  );
}

/** The status of the response to these bytes. */
function exchange(server: TestServer, bytes: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString("latin1"))?.[1]));
    });
    socket.on("error", reject);
  });
}
