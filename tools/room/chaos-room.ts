/**
 * Rooms of real tabs for the chaos tests: each tab is a browser process of its own, and answers are asked
 * while something happens to them. One room takes many faults: `whole` replaces the tabs that were lost.
 */
import { openServer, type RunningServer } from "../../server/server.ts";
import { askOnPage, askOverHttp, type Answer, type Asked } from "./chaos-answers.ts";
import { type ChaosPage, createChaosPage } from "./chaos-page.ts";
import { appSend, type ChaosTab, openChaosTab, reached } from "./chaos-tab.ts";
import { type BrowserName, evenStages, JOIN_TIMEOUT_MS, MODEL, MODELS } from "./e2e-room.ts";
import { RoomApi } from "./room-api.ts";

/** For the room to have its tabs again after a fault. */
const WHOLE_TIMEOUT_MS = 60_000;
const ANSWER_TOKENS = 48;

/** Who asks: a tab through its page, with sampling, or an HTTP client, greedily. */
export type Asking = ChaosTab | "http";

export class ChaosRoom {
  readonly api: RoomApi;
  tabs: ChaosTab[] = [];
  readonly #browsers: readonly BrowserName[];
  readonly #undisturbed = new Map<"page" | "http", Answer>();
  readonly #page: ChaosPage;
  #server: RunningServer;

  private constructor(
    page: ChaosPage,
    server: RunningServer,
    code: string,
    browsers: readonly BrowserName[],
  ) {
    this.#page = page;
    this.#server = server;
    this.#browsers = browsers;
    this.api = new RoomApi(server.addresses[0]!, code);
  }

  /** The first tab opens the room, and coordinates it. */
  static async open(
    code: string,
    browsers: readonly BrowserName[],
    hasLittleMemory = false,
  ): Promise<ChaosRoom> {
    const page = await createChaosPage(hasLittleMemory);
    const room = new ChaosRoom(page, await serve(0, page), code, browsers);
    try {
      await room.whole();
      return room;
    } catch (error) {
      await room.close();
      throw error;
    }
  }

  get url(): string {
    return `${this.api.server}/?room=${this.api.room}&join`;
  }

  /** Opens another tab, and waits until it is a member. */
  async join(browser: BrowserName): Promise<ChaosTab> {
    const tab = await openChaosTab(browser, this.url);
    this.tabs.push(tab);
    return tab;
  }

  /**
   * Opens tabs in place of those that are lost, and waits until the room has these members and no
   * others. Returns them, the coordinator first.
   */
  async whole(): Promise<ChaosTab[]> {
    const missing = [...this.#browsers];
    for (const { browser } of this.tabs) missing.splice(missing.indexOf(browser), 1);
    if (this.tabs.length === 0) await this.join(missing.shift()!);
    await Promise.all(missing.map((browser) => this.join(browser)));
    const ids = this.tabs.map(({ id }) => id);
    const { coordinator } = await this.api.waitFor(
      `the members ${ids.join(", ")} and no others`,
      missing.length > 0 ? JOIN_TIMEOUT_MS : WHOLE_TIMEOUT_MS,
      ({ members }) =>
        members.length === ids.length &&
        members.every(({ id, measurements }) => ids.includes(id) && measurements !== null),
    );
    const first = this.tabs.find(({ id }) => id === coordinator)!;
    return [first, ...this.tabs.filter((tab) => tab !== first)];
  }

  /** Even stages over these tabs; float activations, which do not depend on how rows are batched. */
  async place(
    tabs: readonly ChaosTab[],
    { model = MODEL, contextTokens = 512 } = {},
  ): Promise<void> {
    const settings = { contextTokens, generationSlots: 2, maxAnswerTokens: ANSWER_TOKENS };
    await tabs[0]!.evaluate(`(() => {
      const app = document.querySelector("tabmesh-app");
      const settings = { ...app.view.state.settings, ...${JSON.stringify(settings)}, activations: "float" };
      app.send({ type: "change_settings", settings });
    })()`);
    await this.api.place(model, evenStages(tabs.map(({ id }) => id)));
  }

  /** The answer without a fault. */
  async undisturbed(asking: Asking): Promise<Answer> {
    const key = asking === "http" ? "http" : "page";
    const known = this.#undisturbed.get(key) ?? (await this.#ask(asking, () => undefined)).answer;
    this.#undisturbed.set(key, known);
    return known;
  }

  /**
   * Answers to the same question, until `act` is over, which begins in the middle of the first one. Rejects as
   * soon as `act` does.
   */
  async answersDuring(asking: Asking, act: () => unknown): Promise<Asked[]> {
    let isOver = false;
    let start = () => undefined as void;
    const acting = new Promise<void>((resolve) => (start = resolve))
      .then(act)
      .finally(() => (isOver = true));
    const answers: Asked[] = [];
    const failed = acting.then(() => new Promise<never>(() => undefined));
    do answers.push(await Promise.race([this.#ask(asking, start), failed]));
    while (!isOver);
    await acting;
    return answers;
  }

  #ask(asking: Asking, act: () => void): Promise<Asked> {
    return asking === "http"
      ? askOverHttp(this.api, { model: MODEL, maxTokens: ANSWER_TOKENS }, act)
      : askOnPage(asking, act);
  }

  async stopServer(): Promise<void> {
    await this.#server.close();
  }

  async startServer(): Promise<void> {
    this.#server = await serve(this.#server.port, this.#page);
  }

  /** Another tab of the last browser joins and leaves this many times: by a button, or by leaving the page. */
  async visits(times: number): Promise<void> {
    const visitor = await openChaosTab(this.#browsers.at(-1)!, this.url);
    try {
      for (let visit = 1; visit < times; visit++) {
        if (visit % 2 === 0) {
          await visitor.page.goto("about:blank");
          await visitor.page.goto(this.url);
        } else {
          await visitor.evaluate(appSend({ type: "leave_room" }));
          await reached(visitor, "outside");
          await visitor.evaluate(
            appSend({ type: "join_room", invitation: this.api.room, observe: false }),
          );
        }
        await reached(visitor, "inside");
      }
    } finally {
      await visitor.close();
    }
  }

  /** Ends the browser without notice to the room. */
  kill(tab: ChaosTab): void {
    this.tabs = this.tabs.filter((other) => other !== tab);
    tab.signal("SIGKILL");
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.tabs.map((tab) => tab.close()));
    await this.#server.close();
    await this.#page.remove();
  }
}

function serve(port: number, { directory: page }: ChaosPage): Promise<RunningServer> {
  return openServer({
    port,
    page,
    models: MODELS,
    lanCertificate: null,
    allowOrigins: [],
  });
}
