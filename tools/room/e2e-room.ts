/**
 * The base of the end-to-end tests: the real server with the built page and the real models, and
 * rooms of real tabs. A machine without an adapter or without a build fails in `openRoom`, with a
 * message; nothing is skipped.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openServer, type RunningServer } from "../../server/server.ts";
import { RoomApi, type ApiStage, type ApiState } from "./room-api.ts";
import { openChromiumTab, openFirefoxTab, type Tab } from "../browsers/tabs.ts";

/** What two reports of the same kernels differ in. */
const MEASURED = ["ratePerMs", "others"];

export const ROOT = join(import.meta.dirname, "..", "..");
export const MODELS = join(ROOT, "models");
/** The default model by its id, and the number of its layers. */
export const MODEL = "SmolLM2-135M-Instruct.Q4_1";
export const LAYERS = 30;

/** A browser starts, and its adapter is measured, on what may be two shared cores. */
export const JOIN_TIMEOUT_MS = 180_000;

export type BrowserName = "chromium" | "firefox";

export const BUILT_PAGE = join(ROOT, "dist");

/** On a free port of this machine; pages of `allowOrigins` may use it too. */
export function openE2eServer(
  page = BUILT_PAGE,
  allowOrigins: readonly string[] = [],
): Promise<RunningServer> {
  if (!existsSync(join(page, "index.html"))) {
    throw new Error(`There is no built page in ${page}: run "npx vite build" first.`);
  }
  return openServer({ port: 0, page, models: MODELS, lanCertificate: null, allowOrigins });
}

export class TestRoom {
  readonly server: RunningServer;
  readonly api: RoomApi;
  readonly tabs: Tab[] = [];
  /** Uncaught errors and console errors of the tabs that `openTab` opened. */
  readonly errors: string[] = [];

  constructor(server: RunningServer, code: string) {
    this.server = server;
    this.api = new RoomApi(server.addresses[0]!, code);
  }

  get url(): string {
    return `${this.api.server}/?room=${this.api.room}&join`;
  }

  /** Opens a tab in a separate browser process; it joins without a click. */
  async openTab(browser: BrowserName): Promise<Tab> {
    const open = browser === "chromium" ? openChromiumTab : openFirefoxTab;
    const tab = await open({ url: this.url, onError: (line) => this.errors.push(line) });
    this.tabs.push(tab);
    return tab;
  }

  /** The members in the order of these browsers, each once. */
  async membersIn(...browsers: readonly BrowserName[]): Promise<string[]> {
    const left = [...(await this.api.state()).members];
    return browsers.map((browser) => {
      const at = left.findIndex(({ adapter }) =>
        adapter?.browser.toLowerCase().startsWith(browser),
      );
      expect(at, `a member in ${browser}`).toBeGreaterThanOrEqual(0);
      return left.splice(at, 1)[0]!.id;
    });
  }

  /** Places the default model in even stages over `members`, in this order. */
  async placeOver(members: readonly string[]): Promise<readonly ApiStage[]> {
    const stages = evenStages(members);
    await this.api.place(MODEL, stages);
    return stages;
  }

  /** The kernel variants of each placed member, without their measured speeds. */
  async kernels(): Promise<string[]> {
    const { placement, members } = await this.api.state();
    return (placement?.stages ?? []).map(({ member }) => {
      const kernels = members.find(({ id }) => id === member)?.shard?.kernels ?? null;
      return JSON.stringify(kernels, (key, value: unknown) =>
        MEASURED.includes(key) ? undefined : value,
      );
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.tabs.map((tab) => tab.close()));
    await this.server.close();
  }
}

/** A room whose tabs have all joined and measured their adapters; the first one coordinates. */
export async function openRoom(
  code: string,
  browsers: readonly BrowserName[],
  page = BUILT_PAGE,
): Promise<TestRoom> {
  const room = new TestRoom(await openE2eServer(page), code);
  try {
    const [first, ...others] = browsers;
    await room.openTab(first!);
    await measured(room, 1);
    await Promise.all(others.map((browser) => room.openTab(browser)));
    await measured(room, browsers.length);
    return room;
  } catch (error) {
    await room.close();
    throw error;
  }
}

async function measured(room: TestRoom, count: number): Promise<ApiState> {
  try {
    return await room.api.waitForMembers(count, JOIN_TIMEOUT_MS);
  } catch (error) {
    throw new Error(`Not all members joined. The tabs' consoles: ${room.errors.join("; ")}`, {
      cause: error,
    });
  }
}

export function evenStages(members: readonly string[], layers = LAYERS): ApiStage[] {
  const boundary = (index: number) => Math.round((layers * index) / members.length);
  return members.map((member, index) => ({
    member,
    first: boundary(index),
    end: boundary(index + 1),
  }));
}
