/**
 * Every fault, in the middle of an answer, over three processes of one browser, each in a room of its own:
 * the answer is the undisturbed one. `npm run test:full -- --chaos`; TABMESH_CHAOS_BROWSER chooses one browser.
 */
import { describe, expect, test } from "vitest";
import type { BrowserName } from "../../tools/room/e2e-room.ts";
import {
  ChaosRoom,
  type ChaosTab,
  CLOSE_FRAMES,
  CRASH_WORKER,
  DESTROY_DEVICE,
  DROP_LINKS,
} from "../../tools/room/chaos-room.ts";

const chosen = process.env["TABMESH_CHAOS_BROWSER"];
const BROWSERS = (["chromium", "firefox"] as const).filter((name) => !chosen || name === chosen);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The asker does not coordinate, except where nobody else is left. */
type Cast = {
  readonly room: ChaosRoom;
  /** Opened the room, and coordinates it. */
  readonly coordinator: ChaosTab;
  readonly asker: ChaosTab;
  readonly other: ChaosTab;
};
type Scenario = {
  readonly what: string;
  /** The tabs that hold layers, in order. */
  readonly stages: (cast: Cast) => readonly ChaosTab[];
  readonly fault: (cast: Cast) => unknown;
};

const all = ({ coordinator, asker, other }: Cast) => [coordinator, asker, other];
const freeze =
  (ms: number) =>
  async ({ other }: Cast) => {
    other.signal("SIGSTOP");
    await wait(ms);
    other.signal("SIGCONT");
  };

const SCENARIOS: readonly Scenario[] = [
  {
    what: "kill the first stage",
    stages: ({ coordinator, asker, other }) => [other, asker, coordinator],
    fault: ({ room, other }) => room.kill(other),
  },
  {
    what: "kill the middle stage",
    stages: ({ coordinator, asker, other }) => [coordinator, other, asker],
    fault: ({ room, other }) => room.kill(other),
  },
  { what: "kill the last stage", stages: all, fault: ({ room, other }) => room.kill(other) },
  {
    what: "kill the coordinator, which has no layers",
    stages: ({ asker, other }) => [asker, other],
    fault: ({ room, coordinator }) => room.kill(coordinator),
  },
  {
    what: "kill the coordinator, which has layers",
    stages: all,
    fault: ({ room, coordinator }) => room.kill(coordinator),
  },
  {
    what: "kill the coordinator and a stage",
    stages: all,
    fault: ({ room, coordinator, other }) => {
      room.kill(coordinator);
      room.kill(other);
    },
  },
  {
    what: "crash the GPU worker",
    stages: all,
    fault: ({ other }) => other.inGpuWorker(CRASH_WORKER),
  },
  {
    what: "destroy the device",
    stages: all,
    fault: ({ other }) => other.inGpuWorker(DESTROY_DEVICE),
  },
  {
    what: "close one frames channel",
    stages: all,
    fault: ({ asker }) => asker.inGpuWorker(CLOSE_FRAMES),
  },
  {
    what: "drop the links of a tab",
    stages: all,
    fault: ({ other }) => other.evaluate(DROP_LINKS),
  },
  { what: "freeze a tab for 5 s", stages: all, fault: freeze(5000) },
  { what: "freeze a tab for 30 s", stages: all, fault: freeze(30_000) },
  {
    what: "stop the server and start it again",
    stages: all,
    fault: async ({ room }) => {
      await room.stopServer();
      await wait(3000);
      await room.startServer();
    },
  },
  {
    what: "ten joins and leaves in a minute",
    stages: all,
    fault: async ({ room }) => {
      for (let joins = 0; joins < 10; joins++) {
        const tab = await room.join("chromium", "&observe");
        room.tabs = room.tabs.filter((other) => other !== tab);
        await tab.close();
      }
    },
  },
];

describe.each(BROWSERS)("%s", (browser: BrowserName) => {
  test.each(SCENARIOS)("$what", async ({ stages, fault }) => {
    const room = await ChaosRoom.open("CHAQSB", browser);
    try {
      const [coordinator, asker, other] = room.tabs as [ChaosTab, ChaosTab, ChaosTab];
      const cast = { room, coordinator, asker, other };
      await room.place(...stages(cast));
      const undisturbed = await room.ask(asker);
      expect(undisturbed).toMatchObject({ status: "token_limit" });
      expect(await room.ask(asker, () => fault(cast))).toEqual(undisturbed);
    } finally {
      await room.close();
    }
  });
});
