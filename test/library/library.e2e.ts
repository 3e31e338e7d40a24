/**
 * The package as its users get it: packed, installed into a fresh Vite project,
 * built with strict TypeScript, and run in Chromium from another origin than the server's.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright";
import { preview, type PreviewServer } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import { BUILT_PAGE, JOIN_TIMEOUT_MS, openE2eServer, ROOT } from "../../tools/room/e2e-room.ts";
import { launchChromium } from "../../tools/room/e2e-pages.ts";
import { RoomApi } from "../../tools/room/room-api.ts";
import manifest from "../../package.json" with { type: "json" };
import type { Results } from "./project/src/main.ts";

const CODE = "PACKED";
const PROJECT = join(import.meta.dirname, "project");

let directory: string;
let server: RunningServer;
let pages: PreviewServer;
let browser: Browser;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tabmesh-library-"));
  await cp(PROJECT, directory, { recursive: true });
  await cp(join(ROOT, "examples", "index.html"), join(directory, "index.html"));
  await run(ROOT, "npm", "pack", "--pack-destination", directory);
  const { vite, typescript, openai } = manifest.devDependencies;
  const tools = [`vite@${vite}`, `typescript@${typescript}`, `openai@${openai}`];
  const tarball = `tabmesh-${manifest.version}.tgz`;
  await run(
    directory,
    "npm",
    "install",
    "--prefer-offline",
    "--no-audit",
    `./${tarball}`,
    ...tools,
  );
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await pages?.close();
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

test("installing it installs what it imports, and nothing of the server or the page", async () => {
  const installed = await readdir(join(directory, "node_modules"));
  const code = await readFile(
    join(directory, "node_modules/tabmesh/dist-library/index.js"),
    "utf8",
  );
  const imports = new Set(
    [...code.matchAll(/^import .* from "((?:@[^/"]+\/)?[^/"]+)/gm)].map(([, name]) => name!),
  );
  expect([...imports].toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
  for (const name of ["express", "ws", "peer", "@hono", "lit", "@awesome.me"]) {
    expect(installed).not.toContain(name);
  }
});

test("a project that uses it passes strict type checks and builds", async () => {
  await run(directory, "npx", "tsc");
  await run(directory, "npx", "vite", "build", "--logLevel", "warn");
  const assets = await readdir(join(directory, "dist", "assets"));
  for (const worker of ["gpu", "weights", "placement", "probe", "template"]) {
    expect(assets.some((name) => name.startsWith(`${worker}.worker`))).toBe(true);
  }
  pages = await preview({ root: directory, configFile: false, preview: { port: 0 } });
  // The server lets the project's page use it, as `--allow-origin` does.
  server = await openE2eServer(BUILT_PAGE, [new URL(pages.resolvedUrls!.local[0]!).origin]);
});

test("the example answers, and a second page asks the same room", async () => {
  const query = new URLSearchParams({ server: server.addresses[0]!, code: CODE }).toString();
  const url = (page: string) => `${pages.resolvedUrls!.local[0]!}${page}?${query}`;
  const example = await browser.newPage();
  await example.goto(url("index.html"));
  const api = new RoomApi(server.addresses[0]!, CODE);
  const { placement } = await api.waitFor("a placement", JOIN_TIMEOUT_MS, (state) => {
    return state.placement?.ready ?? false;
  });
  expect(placement).toMatchObject({ model: "SmolLM2-135M-Instruct.Q4_1" });
  const text = () => example.locator("pre").innerText();
  await expect.poll(async () => (await text()).length, { timeout: 60_000 }).toBeGreaterThan(20);
  expect(await text()).not.toBe("Joining");

  const typed = await browser.newPage();
  await typed.goto(url("typed.html"));
  await typed.waitForFunction(() => "results" in globalThis, null, { timeout: JOIN_TIMEOUT_MS });
  const results = await typed.evaluate(
    () => (globalThis as unknown as { results: Results }).results,
  );
  if ("error" in results) throw new Error(results.error);
  expect(results.steps).toContain("connecting");
  expect(results.whole).toMatch(/\w/);
  expect(results).toMatchObject({
    streamed: results.whole,
    chatted: results.whole,
    denial: "observers_only_ask",
    refusal: "model_not_found",
    members: expect.arrayContaining(["A typed page"]) as string[],
  });
  expect(results.changes).toBeGreaterThan(0);
  await api.waitFor("the typed page to leave", 30_000, ({ members }) => members.length === 1);
});

async function run(cwd: string, program: string, ...words: string[]): Promise<void> {
  try {
    await promisify(execFile)(program, words, { cwd });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${words.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
