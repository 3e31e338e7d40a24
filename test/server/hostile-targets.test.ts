/** Malformed request targets: whatever a client sends, the server process stays up. */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openTestServer, type TestServer } from "../../tools/server/test-server.ts";

/** Targets that Node's HTTP parser lets through and `new URL` rejects, or that a router may misread. */
const TARGETS = [
  "//",
  "///",
  "//?x",
  "//[",
  "//:0",
  "//peerjs/peerjs",
  "/\\",
  "/%",
  "/%ff",
  "/%00",
  "/models/%",
  "/models/..%2f..%2fetc",
  "/v1//",
  "/api/state?room=%",
  "/api?a?b?c",
  "http://",
  "http://[/bridge",
  "http://x:99999999/v1/models",
  "http:/peerjs/peerjs",
  "*",
  "?",
  "/peerjs/peerjs?%",
  `/${"a/".repeat(3000)}`,
];

let server: TestServer;
const crashes: unknown[] = [];
const onCrash = (error: unknown) => void crashes.push(error);
beforeAll(async () => {
  server = await openTestServer();
  process.on("uncaughtException", onCrash);
});
afterAll(async () => {
  process.off("uncaughtException", onCrash);
  await server.close();
});

/** Sends bytes and resolves with what came back before the socket closed. */
function exchange(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.end(bytes, "latin1"));
    let answer = "";
    socket.on("data", (data) => (answer += data.toString("latin1")));
    socket.on("error", () => undefined); // a reset is an answer too; "close" follows
    socket.on("close", () => resolve(answer));
  });
}

const UPGRADE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

describe.each(TARGETS)("target %j", (target) => {
  test("does not end the process as an upgrade", async () => {
    const answer = await exchange(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`);
    expect(answer).toMatch(/^(HTTP\/1\.1 (101|4\d\d) |$)/);
    expect(crashes).toEqual([]);
  });

  test("does not end the process as a request", async () => {
    const answer = await exchange(
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^(HTTP\/1\.1 [1-5]\d\d |$)/);
    expect(crashes).toEqual([]);
  });
});

test("a page's `new WebSocket` on // is refused, and the next request is answered", async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}//`);
  const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
  expect(error.message).toContain("404");
  expect((await fetch(`${server.url}/`)).status).toBe(200);
  expect(crashes).toEqual([]);
});
