/**
 * Every fault, in the middle of an answer, over three processes of one browser, and some over both browsers:
 * the answer is the undisturbed one, and then the room has its members again. The faults of a browser share
 * a room. `npm run test:full -- --chaos`; TABMESH_CHAOS_BROWSER chooses chromium, firefox, or mixed.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type RangeServer, startRangeServer } from "../../tools/gguf/range-server.ts";
import { type Asking, ChaosRoom } from "../../tools/room/chaos-room.ts";
import { type ChaosTab, DROP_LINKS } from "../../tools/room/chaos-tab.ts";
import { type BrowserName, MODEL, MODELS } from "../../tools/room/e2e-room.ts";

/** The requester does not coordinate. */
type Cast = {
  readonly room: ChaosRoom;
  readonly coordinator: ChaosTab;
  readonly requester: ChaosTab;
  readonly other: ChaosTab;
};
type Scenario = {
  readonly what: string;
  /** Over HTTP, the coordinator asks. */
  readonly asks: "page" | "http";
  /** The tabs that hold layers, in order; all three unless given. */
  readonly stages?: (cast: Cast) => readonly ChaosTab[];
  readonly fault: (cast: Cast) => unknown;
  /** A member is lost for longer than a repair takes: the page says so. */
  readonly isLoss?: true;
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const freeze = async (tab: ChaosTab, ms: number) => {
  tab.signal("SIGSTOP");
  await wait(ms);
  tab.signal("SIGCONT");
};

const SCENARIOS: readonly Scenario[] = [
  {
    what: "close one frames channel",
    asks: "http",
    fault: ({ requester }) => requester.failInWorker("close_frames"),
  },
  {
    what: "drop the links of a tab",
    asks: "page",
    fault: ({ other }) => other.evaluate(DROP_LINKS),
  },
  {
    what: "crash the GPU worker",
    asks: "http",
    fault: ({ other }) => other.failInWorker("crash_worker"),
  },
  {
    what: "destroy the device",
    asks: "page",
    fault: ({ other }) => other.failInWorker("destroy_device"),
  },
  { what: "freeze a tab for 5 s", asks: "http", fault: ({ other }) => freeze(other, 5000) },
  {
    what: "freeze a tab for 30 s",
    asks: "page",
    fault: ({ other }) => freeze(other, 30_000),
    isLoss: true,
  },
  {
    what: "freeze the coordinator for 10 s",
    asks: "page",
    fault: ({ coordinator }) => freeze(coordinator, 10_000),
    isLoss: true,
  },
  {
    what: "stop the server and start it again",
    asks: "page",
    fault: async ({ room }) => {
      await room.stopServer();
      await wait(3000);
      await room.startServer();
    },
  },
  { what: "ten joins and leaves in a minute", asks: "http", fault: ({ room }) => room.visits(10) },
  {
    what: "kill the first stage",
    asks: "http",
    stages: ({ coordinator, requester, other }) => [other, requester, coordinator],
    fault: ({ room, other }) => room.kill(other),
    isLoss: true,
  },
  {
    what: "kill the middle stage",
    asks: "page",
    stages: ({ coordinator, requester, other }) => [coordinator, other, requester],
    fault: ({ room, other }) => room.kill(other),
    isLoss: true,
  },
  {
    what: "kill the last stage",
    asks: "http",
    fault: ({ room, other }) => room.kill(other),
    isLoss: true,
  },
  {
    what: "kill the coordinator, which has no layers",
    asks: "page",
    stages: ({ requester, other }) => [requester, other],
    fault: ({ room, coordinator }) => room.kill(coordinator),
  },
  {
    what: "kill the coordinator, which has layers",
    asks: "page",
    fault: ({ room, coordinator }) => room.kill(coordinator),
    isLoss: true,
  },
  {
    what: "kill the coordinator and a stage",
    asks: "page",
    fault: ({ room, coordinator, other }) => {
      room.kill(coordinator);
      room.kill(other);
    },
    isLoss: true,
  },
];

/** Of the browsers together, where one computes on what another has computed. */
const MIXED = ["close one frames channel", "destroy the device", "kill the middle stage"];

const CASTS: readonly (readonly [string, readonly BrowserName[]])[] = [
  ["chromium", ["chromium", "chromium", "chromium"]],
  ["firefox", ["firefox", "firefox", "firefox"]],
  ["mixed", ["chromium", "chromium", "firefox"]],
];

/** A context whose cache needs more than one tab with little memory has. */
const TOO_LONG = 6144;

const chosen = process.env["TABMESH_CHAOS_BROWSER"];

describe.each(CASTS.filter(([name]) => !chosen || name === chosen))("%s", (name, browsers) => {
  let shared: ChaosRoom | null = null;
  let rooms = 0;

  /** A room that a fault has left in another state is not used again. */
  const inRoom = async (act: (cast: Cast) => Promise<void>) => {
    const room = shared ?? (await ChaosRoom.open(`CHAQS${"ABCDEFGH"[rooms++ % 8]}`, browsers));
    shared = null;
    try {
      const [coordinator, requester, other] = (await room.whole()) as [
        ChaosTab,
        ChaosTab,
        ChaosTab,
      ];
      await act({ room, coordinator, requester, other });
      await room.whole();
      shared = room;
    } finally {
      if (shared === null) await room.close();
    }
  };

  afterAll(() => shared?.close());

  const scenarios = SCENARIOS.filter(({ what }) => name !== "mixed" || MIXED.includes(what));
  test.each(scenarios)("$what", async ({ asks, stages, fault, isLoss }) => {
    await inRoom(async (cast) => {
      const { room, requester } = cast;
      const asking: Asking = asks === "http" ? "http" : requester;
      await room.place(stages?.(cast) ?? [cast.coordinator, requester, cast.other]);
      const recovery = await askDuring(room, asking, () => fault(cast));
      if (isLoss) expect(recovery).not.toEqual([]);
    });
  });

  // What these need does not depend on the browsers of the others.
  if (name === "mixed") return;
  test("cut off the GGUF server in the middle of loading", async () => {
    const file = await readFile(join(MODELS, `${MODEL}.gguf`));
    await using server = await startRangeServer(file, { outageAfterBytes: file.length / 2 });
    await inRoom(async ({ room, coordinator, requester, other }) => {
      await room.place([coordinator, requester, other]);
      await room.undisturbed(requester);
      const placing = room.place([coordinator, requester, other], { model: server.url });
      await room.api.waitFor(
        "the placement",
        60_000,
        ({ placement }) => placement?.model === "model",
      );
      const asking = askDuring(room, requester, () => undefined);
      await Promise.all([asking, placing, outage(room, server)]);
    });
  });

  test("the model fits no longer, until a member joins", async () => {
    const [browser] = browsers;
    const room = await ChaosRoom.open("CHAQSZ", [browser!, browser!], true);
    try {
      const [requester, other] = (await room.whole()) as [ChaosTab, ChaosTab];
      await room.place([requester, other], { contextTokens: TOO_LONG });
      const recovery = await askDuring(room, requester, async () => {
        room.kill(other);
        await room.api.waitFor(
          "a placement that fits nowhere",
          60_000,
          ({ placement }) => placement?.error?.reason === "not_placed_again",
        );
        await room.join(browser!);
      });
      expect(recovery.filter((sentence) => sentence.includes("more memory"))).toHaveLength(1);
    } finally {
      await room.close();
    }
  });
});

/** Every answer is the undisturbed one. Returns what was said of recoveries. */
async function askDuring(room: ChaosRoom, asking: Asking, act: () => unknown): Promise<string[]> {
  const undisturbed = await room.undisturbed(asking);
  expect(undisturbed.tokens).toBeGreaterThan(20);
  const answers = await room.answersDuring(asking, act);
  for (const { answer } of answers) expect(answer).toEqual(undisturbed);
  const pauseMs = Math.max(...answers.map((one) => one.pauseMs));
  const recovery = answers.flatMap((one) => one.recovery);
  console.info(
    `${answers.length} answers, paused for ${pauseMs} ms at most. ${recovery.join(" | ")}`,
  );
  return recovery;
}

/** Longer than a request is repeated: the members say what they wait for, and nothing has failed. */
async function outage({ api }: ChaosRoom, server: RangeServer): Promise<void> {
  while (!server.isOut) await wait(50);
  const { placement } = await api.waitFor("a load that waits for its server", 60_000, (state) =>
    state.members.some(({ shard }) => shard?.status === "loading" && shard.error !== null),
  );
  expect(placement).toMatchObject({ ready: false, error: null });
  await server.restore();
}
