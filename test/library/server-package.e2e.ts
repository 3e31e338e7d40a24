/** The package `@tabmesh/server` as its users get it: packed, installed elsewhere, and run by its bin. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServerFacts } from "../../src/shared/index.ts";
import { ROOT } from "../../tools/room/e2e-room.ts";

const npm = (cwd: string, ...words: string[]) => promisify(execFile)("npm", words, { cwd });

let directory: string;
let server: ChildProcess;
let address: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tabmesh-server-package-"));
  await npm(join(ROOT, "server"), "pack", "--pack-destination", directory);
  const [tarball] = await readdir(directory);
  await npm(directory, "install", "--prefer-offline", "--no-audit", `./${tarball!}`);
  server = spawn("node_modules/.bin/tabmesh-server", ["--port", "0"], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(server.stdout!, "data")) as [Buffer];
  address = line.toString().trim();
});

afterAll(async () => {
  server?.kill();
  await rm(directory, { recursive: true, force: true });
});

const get = (path: string) => fetch(new URL(path, address));

test("it serves the page that the package contains", async () => {
  const html = await (await get("/?room=ABCDEF")).text();
  expect(html).toContain("<tabmesh-app>");
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? "";
  expect((await get(script)).headers.get("content-type")).toContain("javascript");
});

test("it serves signaling, the models of the current directory, and the API", async () => {
  expect(await (await get("/peerjs/peerjs/id")).text()).toMatch(/^[0-9a-f-]{36}$/);
  expect(await (await get("/models/")).json()).toEqual([]);
  expect(ServerFacts.parse(await (await get("/server.json")).json()).addresses).toEqual([address]);
  const response = await get("/v1/models");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error: { reason: { reason: "no_room" } } });
});
