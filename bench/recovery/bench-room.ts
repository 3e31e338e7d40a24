/**
 * A room of real tabs for a bench: machines that compute, in the built page, and one member that
 * observes, asks, and writes down when it learned what (page.ts).
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openServer, type RunningServer } from "../../server/server.ts";
import { splitLayers } from "../../tools/room/split-layers.ts";
import {
  callBench,
  startBenchServer,
  type BenchServer,
} from "../../tools/browsers/bench-browser.ts";
import { type Machine, openMachine } from "../../tools/browsers/machine.ts";
import { RoomApi } from "../../tools/room/room-api.ts";
import type { AnswerReply, RoomRequest } from "./requests.ts";

const ROOT = join(import.meta.dirname, "..", "..");
export const MODEL = "SmolLM2-135M-Instruct.Q4_1";
const LAYERS = 30;
const JOIN_TIMEOUT_MS = 120_000;
const POLL_MS = 50;

export type Member = { readonly id: string; readonly machine: Machine };

/** The bench's own member. */
export type Watcher = Member & {
  readonly call: <Reply>(request: RoomRequest) => Promise<Reply>;
};

export class BenchRoom {
  readonly server: RunningServer;
  readonly api: RoomApi;
  readonly errors: string[] = [];
  readonly #pages: BenchServer;
  readonly #profiles: string;
  readonly #open: Machine[] = [];

  static async open(code: string): Promise<BenchRoom> {
    const pages = await startBenchServer();
    const server = await openServer({
      port: 0,
      page: join(ROOT, "dist"),
      models: join(ROOT, "models"),
      lanCertificate: null,
      allowOrigins: [pages.origin],
    });
    return new BenchRoom(server, code, pages, await mkdtemp(join(tmpdir(), "tabmesh-bench-")));
  }

  private constructor(server: RunningServer, code: string, pages: BenchServer, profiles: string) {
    this.server = server;
    this.api = new RoomApi(server.addresses[0]!, code);
    this.#pages = pages;
    this.#profiles = profiles;
  }

  /** A machine that computes. One that is opened again under a name has its stored measurements and models. */
  async compute(name: string): Promise<Member> {
    const machine = await this.#machine(name, `${this.api.server}/?room=${this.api.room}&join`);
    const id = await this.#newcomer();
    await this.api.waitFor(`the measurements of ${name}`, JOIN_TIMEOUT_MS, ({ members }) =>
      members.some((member) => member.id === id && member.measurements !== null),
    );
    return { id, machine };
  }

  async watch(name: string): Promise<Watcher> {
    const machine = await this.#machine(name, `${this.#pages.origin}/bench/recovery/index.html`);
    const call = <Reply>(request: RoomRequest) =>
      machine.page.evaluate(callBench, request) as Promise<Reply>;
    const { server, room: code } = this.api;
    const id = await call<string>({ kind: "join", server, code });
    this.#known.add(id);
    return { id, machine, call };
  }

  /** The default model over these members, in even parts; resolves when all have loaded it. */
  async placeOver(...members: readonly Member[]): Promise<void> {
    const workers = members.map(({ id }) => ({ member: id, speed: 1 }));
    await this.api.place(MODEL, splitLayers(LAYERS, workers, 1));
  }

  /**
   * For placements of later: activations are floats, which do not depend on how rows are batched, so that
   * answers can be compared token by token.
   */
  async useFloats({ machine }: Member): Promise<void> {
    await machine.page.evaluate(() => {
      const app = document.querySelector("tabmesh-app") as unknown as {
        view: { state: { settings: object } };
        send(command: object): void;
      };
      const settings = { ...app.view.state.settings, activations: "float" };
      app.send({ type: "change_settings", settings });
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#open.map((machine) => machine.close()));
    await Promise.allSettled([this.server.close(), this.#pages.close()]);
    await rm(this.#profiles, { recursive: true, force: true, maxRetries: 5 });
  }

  readonly #known = new Set<string>();

  async #machine(name: string, url: string): Promise<Machine> {
    const machine = await openMachine({
      url,
      profile: join(this.#profiles, name),
      onError: (line) => this.errors.push(line),
    });
    this.#open.push(machine);
    return machine;
  }

  async #newcomer(): Promise<string> {
    const isNew = ({ id }: { readonly id: string }) => !this.#known.has(id);
    const { members } = await this.api.waitFor("a member", JOIN_TIMEOUT_MS, (state) =>
      state.members.some(isNew),
    );
    const { id } = members.find(isNew)!;
    this.#known.add(id);
    return id;
  }
}

/** The first `count` tokens of an English text. */
export async function promptTokens(count: number): Promise<readonly number[]> {
  const file = join(ROOT, "test", "goldens", "answers", "long-english.json");
  const { promptTokens: tokens } = JSON.parse(await readFile(file, "utf8")) as {
    promptTokens: number[];
  };
  return tokens.slice(0, count);
}

/** Waits until the watcher's answer satisfies `wanted`. Rejects when time is up. */
export async function answerUntil(
  watcher: Watcher,
  timeoutMs: number,
  wanted: (answer: AnswerReply) => boolean,
): Promise<AnswerReply> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await watcher.call<AnswerReply>({ kind: "answer" });
    if (answer !== null && wanted(answer)) return answer;
    if (Date.now() > end) {
      throw new Error(`waited ${timeoutMs / 1000} s; the answer: ${JSON.stringify(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
