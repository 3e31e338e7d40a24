import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { MODEL_BYTES, openTestServer, type TestServer } from "../../tools/server/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await openTestServer();
});
afterAll(() => server.close());

const get = (path: string, init?: RequestInit) => fetch(server.url + path, init);

describe("the page", () => {
  test("is cross-origin isolated, on localhost over IPv4 and by name", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      const response = await fetch(`http://${host}:${server.port}/?room=ABCDEF`);
      expect(await response.text()).toBe("<title>Tabmesh</title>");
      expect(response.headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(response.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    }
  });

  test("has files that browsers cache forever, because their names contain a hash", async () => {
    const response = await get("/assets/main-abc123.js");
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect(response.headers.get("content-type")).toContain("javascript");
  });

  test("is confined to its directory", async () => {
    expect((await get("/..%2f..%2fetc%2fpasswd")).status).toBeGreaterThanOrEqual(400);
  });
});

describe("models", () => {
  test("are listed by name, URL, and size", async () => {
    expect(await (await get("/models/")).json()).toEqual([
      { name: "tiny model", url: "/models/tiny%20model.gguf", bytes: MODEL_BYTES.length },
    ]);
  });

  test("are served by range, with the headers that a resumed read needs", async () => {
    const response = await get("/models/tiny%20model.gguf", {
      headers: { range: "bytes=100-149" },
    });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes 100-149/${MODEL_BYTES.length}`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(MODEL_BYTES.slice(100, 150));
    const etag = response.headers.get("etag")!;
    const resume = (ifRange: string) =>
      get("/models/tiny%20model.gguf", { headers: { range: "bytes=0-9", "if-range": ifRange } });
    expect((await resume(etag)).status).toBe(206);
    expect((await resume('"another file"')).status).toBe(200);
  });

  test("a range past the end gets 416 with the length", async () => {
    const response = await get("/models/tiny%20model.gguf", {
      headers: { range: "bytes=5000-6000" },
    });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe(`bytes */${MODEL_BYTES.length}`);
  });

  test("incomplete downloads are not served", async () => {
    expect((await get("/models/half.gguf.part")).status).toBe(404);
  });
});

describe("signaling", () => {
  test("creates an id and relays an offer from one peer to another", async () => {
    expect(await (await get("/peerjs/peerjs/id")).text()).toMatch(/^[0-9a-f-]{36}$/);
    const open = async (id: string) => {
      const query = `key=peerjs&id=${id}&token=t`;
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/peerjs/peerjs?${query}`);
      const next = () =>
        new Promise<unknown>((resolve) =>
          socket.once("message", (data) => resolve(JSON.parse((data as Buffer).toString()))),
        );
      expect(await next()).toEqual({ type: "OPEN" });
      return { socket, next };
    };
    const [anna, ben] = [await open("anna"), await open("ben")];
    const arrived = ben.next();
    anna.socket.send(JSON.stringify({ type: "OFFER", dst: "ben", payload: { sdp: "…" } }));
    expect(await arrived).toMatchObject({ type: "OFFER", src: "anna", payload: { sdp: "…" } });
    anna.socket.close();
    ben.socket.close();
  });

  test("a socket on another path gets 404", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/elsewhere`);
    const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
    expect(error.message).toContain("404");
  });
});
