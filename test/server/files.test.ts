import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
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

describe("of what is in the models folder", () => {
  let outside: string;
  beforeAll(async () => {
    const models = join(server.directory, "models");
    outside = join(server.directory, "outside");
    await mkdir(join(models, "sub", ".hidden"), { recursive: true });
    await mkdir(outside);
    const write = (...names: string[]) => writeFile(join(...names), "text");
    await write(models, "sub", "deep 100%.gguf");
    await write(models, "sub", "notes.txt");
    await write(models, "sub", ".hidden", "a.gguf");
    await write(models, ".secret.gguf");
    await write(models, "key.pem");
    await write(outside, "other.gguf");
    await mkdir(join(models, "folder.gguf"));
    await symlink(join(outside, "other.gguf"), join(models, "escape.gguf"));
    await symlink(outside, join(models, "linked"));
    await symlink("key.pem", join(models, "disguised.gguf"));
    await symlink("loop.gguf", join(models, "loop.gguf"));
    await symlink("sub/deep 100%.gguf", join(models, "alias.gguf"));
  });
  afterAll(async () => {
    const models = join(server.directory, "models");
    for (const name of ["alias", "escape", "loop", "disguised", ".secret"])
      await rm(join(models, `${name}.gguf`));
    await rm(join(models, "folder.gguf"), { recursive: true });
  });

  test.each(["sub/deep%20100%25.gguf", "alias.gguf"])("%s is served", async (path) => {
    const response = await get(`/models/${path}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("text");
  });

  test.each([
    "sub/notes.txt",
    "sub",
    "sub/",
    "sub/.hidden/a.gguf",
    ".secret.gguf",
    "key.pem",
    "disguised.gguf",
    "escape.gguf",
    "linked/other.gguf",
    "loop.gguf",
    "folder.gguf",
    "..%2foutside%2fother.gguf",
    "sub%2f..%2fkey.pem",
    "sub%5cdeep%20100%25.gguf",
    "tiny%20model.gguf%00",
    "%00.gguf",
    `${"x".repeat(5000)}.gguf`,
    "%.gguf",
    "%ff.gguf",
  ])("%s is not", async (path) => {
    const { status } = await get(`/models/${path}`);
    expect(status).toBe(404);
  });

  test("only models are listed", async () => {
    const listed = (await (await get("/models/")).json()) as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(["alias", "tiny model"]);
  });
});

describe("a malformed path", () => {
  test.each([
    "/%",
    "/%ff",
    "/%00",
    "/assets/%",
    "/assets/%ff",
    "/models/%",
    "/peerjs/%",
    "/peerjs/%/id",
    "/peerjs/peerjs/%",
    "/server.json%",
  ])("%s gets 400 or 404, and nothing about the server's files", async (path) => {
    const response = await get(path);
    expect([400, 404]).toContain(response.status);
    expect(await response.text()).not.toMatch(/node_modules|\bat /);
  });
});

test("a folder of the page is not redirected to, whatever the path begins with", async () => {
  for (const path of ["/assets", "//evil.example/..%2fassets", "//assets"]) {
    const response = await get(path, { redirect: "manual" });
    expect([400, 403, 404]).toContain(response.status);
    expect(response.headers.get("location")).toBeNull();
  }
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
