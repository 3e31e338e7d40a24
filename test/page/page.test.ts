/** The page's controller: commands in, views out; over a real room in this thread. */
import { describe, expect, test } from "vitest";
import { ApiProblemError } from "../../src/api/http/errors.ts";
import { tabmeshErrorOf } from "../../src/api/wrap-errors.ts";
import type { PageEnvironment } from "../../src/page/environment.ts";
import { Page } from "../../src/page/page.ts";
import type { ProbeResult } from "../../src/probe/index.ts";
import type { RoomCode } from "../../src/shared/ids.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";
import { readKeptRoom } from "../../src/tab/kept-room.ts";
import { EMPTY_VIEW, type PageView } from "../../src/ui/page-view.ts";
import { HALF, MODEL_URL, profile } from "../../tools/room/test-data.ts";
import { type TestRoom, until, withRoom } from "../../tools/room/test-room.ts";

const { adapter, measurements } = profile("x");
const PROBED = { adapter, noAdapter: null, measurements } as ProbeResult;

type Opened = {
  readonly page: Page;
  readonly room: TestRoom;
  readonly view: () => PageView;
  /** Every view that was shown, oldest first. */
  readonly views: readonly PageView[];
  readonly addresses: string[];
  /** What the tab keeps of rooms. */
  readonly kept: Map<string, string>;
  /** Files that the page stored. */
  readonly saved: readonly File[];
  /** How often the parts of the tab were called. */
  readonly asked: { measured: number; deleted: number; placed: string[] };
};

function storageOf(kept: Map<string, string>) {
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

/** A page at `path`, whose room is made of real members in this thread. */
async function withPage(
  path: string,
  act: (opened: Opened) => Promise<void>,
  change: Partial<PageEnvironment> = {},
): Promise<void> {
  await withRoom(async (room) => {
    const views: PageView[] = [];
    const saved: File[] = [];
    const addresses = [`http://localhost:8787${path}`];
    const kept = new Map<string, string>();
    const storage = storageOf(kept);
    const asked: Opened["asked"] = { measured: 0, deleted: 0, placed: [] };
    const page = new Page(EMPTY_VIEW, (view) => views.push(view), {
      href: () => addresses.at(-1)!,
      showAddress: (href) => addresses.push(href),
      storage,
      probe: () => Promise.resolve(PROBED),
      serverFacts: () =>
        Promise.resolve({ addresses: ["https://192.168.1.2:8788"], iceServers: [] }),
      saveFile: (name, text) => saved.push(new File([text], name)),
      offeredModels: () => Promise.resolve([{ name: "tiny", url: "/models/tiny.gguf" }]),
      async join({ code, mustExist }) {
        const { client } = await room
          .add("page", {
            mustExist: mustExist ?? false,
            code: code as never,
            secret: readKeptRoom(storage, code as RoomCode)?.secret ?? room.network.secret,
          })
          .catch((error: unknown) => {
            throw tabmeshErrorOf(error, String);
          });
        const parts = {
          models: {
            addFile: async (
              _file: File,
              _name: string,
              onProgress: (read: { doneBytes: number; totalBytes: number }) => void,
            ) => {
              onProgress({ doneBytes: 1, totalBytes: 4 });
              const model = await client.addModel(MODEL_URL);
              queueMicrotask(() => onProgress({ doneBytes: 4, totalBytes: 4 }));
              return model;
            },
          },
          measured: () => (asked.measured += 1),
          clearStoredModels: () => Promise.resolve((asked.deleted += 1)),
        };
        return {
          client,
          parts: parts as never,
          place: ({ model }) => {
            asked.placed.push(model);
            return client.place({ model: MODEL_URL });
          },
          close: () => client.leave(),
        };
      },
      ...change,
    });
    await act({ page, room, view: () => views.at(-1)!, views, addresses, kept, asked, saved });
  });
}

const inside = (view: () => PageView) => until(() => view().phase === "inside", "the room");

describe("outside", () => {
  test("the adapter is checked and the server's models are offered", async () => {
    await withPage("/", async ({ view }) => {
      await until(() => view().adapterCheck?.status === "ready", "the probe");
      expect(view().adapterCheck?.message).toBe(
        "This tab can compute: test cpu · Node 20. It is a software adapter, which is slow.",
      );
      expect(view().offeredModels).toEqual([{ name: "tiny", url: "/models/tiny.gguf" }]);
      expect(view()).toMatchObject({ phase: "outside", state: null, notice: null });
    });
  });

  test.each([
    ["in the address", "/?room=nonsense", null],
    ["in the form", "/", "nonsense"],
  ])("a wrong code %s is a notice", async (_where, path, code) => {
    await withPage(path, async ({ page, view }) => {
      if (code !== null) await page.act({ type: "join_room", invitation: code, observe: false });
      expect(view().notice).toMatchObject({
        level: "error",
        message: '"nonsense" is not a room code.',
      });
      expect(view().phase).toBe("outside");
    });
  });

  test("a room that does not exist is a notice, and the page stays outside", async () => {
    await withPage("/", async ({ page, view }) => {
      await page.act({ type: "join_room", invitation: "ABCDEF", observe: false });
      expect(view()).toMatchObject({ phase: "outside", notice: { level: "error" } });
      expect(view().notice?.message).toMatch(/No room ABCDEF is open/);
    });
  });

  test("a reloaded tab opens its room again if nobody else is in it", async () => {
    const member = { id: "page", name: "Tab page", color: 0 };
    const room = { secret: createRoomSecret(), member, epoch: 1, admits: "code" };
    const storage = storageOf(new Map([["tabmesh.room.ABCDEF", JSON.stringify(room)]]));
    const reloaded = async ({ page, view }: Opened) => {
      await page.act({ type: "join_room", invitation: "ABCDEF", observe: false });
      expect(view()).toMatchObject({ phase: "inside", code: "ABCDEF", notice: null });
    };
    await withPage("/?room=ABCDEF", reloaded, { storage });
  });

  test("commands that need a room do nothing", async () => {
    await withPage("/", async ({ page, view }) => {
      await page.act({ type: "send_message", text: "Hello" });
      await page.act({ type: "clear_model_cache" });
      expect(view()).toMatchObject({ chat: [], notice: null });
    });
  });
});

describe("a link", () => {
  const secret = createRoomSecret();

  test("fills in the code; the secret is kept and leaves the address at once", async () => {
    await withPage(`/?observe#ABCDEF.${secret}`, async ({ page, view, addresses, kept }) => {
      expect(addresses.at(-1)).toBe("http://localhost:8787/?observe=&room=ABCDEF");
      expect(view()).toMatchObject({ phase: "outside", code: "ABCDEF", notice: null });
      expect([...kept.keys()]).toEqual(["tabmesh.room.ABCDEF"]);
      expect(kept.get("tabmesh.room.ABCDEF")).toContain(secret);
      await page.act({ type: "join_room", invitation: "ABCDEF", observe: false });
      expect(view().notice?.message).toMatch(/No room ABCDEF is open/);
    });
  });

  test("is pasted: the room that it opens has its secret, no address has it", async () => {
    await withPage("/", async ({ page, view, room, addresses }) => {
      const first = await room.add("first", { observes: true, secret });
      const link = `http://localhost:8787/#ABCDEF.${secret}`;
      await page.act({ type: "join_room", invitation: link, observe: false });
      await inside(view);
      expect(view().joinUrl).toBe(`https://192.168.1.2:8788/#ABCDEF.${first.client.key.secret}`);
      expect(addresses.join()).not.toContain(secret);
    });
  });

  test.each(["/#ABCDEF.short", "/#ABCDEF", "/#anything"])("%s is incomplete", async (path) => {
    await withPage(path, async ({ page, view, kept }) => {
      expect(view().notice?.message).toBe("This link to a room is incomplete.");
      await page.act({ type: "dismiss_notice" });
      await page.act({ type: "join_room", invitation: `http://x${path}`, observe: false });
      expect(view().notice?.message).toBe("This link to a room is incomplete.");
      expect(kept.size).toBe(0);
    });
  });

  test("is forgotten when a person leaves, and kept when the tab is reloaded", async () => {
    await withPage(`/?join#ABCDEF.${secret}`, async ({ page, view, kept }) => {
      await inside(view);
      page.unload();
      expect(kept.size).toBe(1);
    });
    await withPage(`/?join#ABCDEF.${secret}`, async ({ page, view, kept }) => {
      await inside(view);
      await page.act({ type: "leave_room" });
      expect(kept.size).toBe(0);
    });
  });
});

describe("inside", () => {
  test("the address says &join: the page joins, and shows the address for other machines", async () => {
    await withPage("/?room=ABCDEF&join", async ({ view, room, addresses }) => {
      await inside(view);
      expect(view()).toMatchObject({ self: "page", code: "ABCDEF", connection: "connected" });
      expect(view().joinUrl).toBe(`https://192.168.1.2:8788/#ABCDEF.${room.network.secret}`);
      expect(new URL(addresses.at(-1)!).searchParams.get("room")).toBe("ABCDEF");
    });
  });

  test("the address for other machines changes when a member is removed", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, room }) => {
      await inside(view);
      const gone = await room.add("gone", { observes: true });
      const before = view().joinUrl;
      await page.act({ type: "remove_member", member: gone.id });
      await until(() => view().joinUrl !== before, "another address");
      const { secret } = room.tabs.get(view().self!)!.client.key;
      expect(view().joinUrl).toBe(`https://192.168.1.2:8788/#ABCDEF.${secret}`);
    });
  });

  test.each(["tiny", "tiny.gguf"])("the address names the model %s: it is placed", async (name) => {
    await withPage(`/?room=ABCDEF&join&model=${name}`, async ({ view, asked }) => {
      await until(() => view().state?.placement?.ready === true, "the model");
      expect(asked.placed).toEqual([name]);
    });
  });

  test("a model that cannot be placed is a notice, and progress ends", async () => {
    const refusal = { reason: "model_not_found" as const, model: "huge", known: ["tiny"] };
    await withPage("/?room=ABCDEF&join", async ({ page, view, room }) => {
      await inside(view);
      room.tabs.get("page" as never)!.client.place = () =>
        Promise.reject(tabmeshErrorOf(new ApiProblemError(refusal), String));
      await page.act({ type: "place_model", source: MODEL_URL });
      expect(view().notice).toMatchObject({ level: "error" });
      expect(view().notice?.message).toMatch(/no model named huge/);
      expect(view().progress).toBeNull();
    });
  });

  test("the notice that the model no longer fits stays until a member joins that makes it fit", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, room }) => {
      await inside(view);
      await page.act({ type: "choose_member", member: view().self!, use: "exclude" });
      await room.add("a", { memoryBytes: HALF });
      const gone = await room.add("b", { memoryBytes: HALF });
      await page.act({ type: "place_model", source: MODEL_URL });
      gone.crash();
      const reasonOf = () => view().state?.placement?.error?.reason;
      await until(() => reasonOf() === "not_placed_again", "a model that fits nowhere");
      expect(view().notice).toMatchObject({ level: "error" });
      await room.add("c", { memoryBytes: HALF });
      await until(() => view().state?.placement?.error === null, "another placement");
      expect(view().notice).toBeNull();
    });
  });

  test("a question is answered, and the times of the stages are shown", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view }) => {
      await inside(view);
      await page.act({ type: "place_model", source: MODEL_URL });
      await page.act({
        type: "change_settings",
        settings: { ...view().state!.settings, maxAnswerTokens: 8 },
      });
      await page.act({ type: "send_message", text: "HI" });
      expect(view().chat.map(({ role }) => role)).toEqual(["user", "assistant"]);
      expect(view().chat[1]!.text.length).toBeGreaterThan(0);
      expect(view().timings).toMatchObject([{ member: "page" }]);
      await page.act({ type: "clear_chat" });
      expect(view().chat).toEqual([]);
    });
  });

  test("previews are computed while a person looks at them, and not before or after", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, room }) => {
      await inside(view);
      const { client } = room.tabs.get("page" as never)!;
      let previews = 0;
      const preview = client.preview.bind(client);
      client.preview = (model) => {
        previews += 1;
        return preview(model);
      };
      await page.act({ type: "place_model", source: MODEL_URL });
      expect(previews).toBe(0);
      await page.act({ type: "show_preview", shown: true });
      await until(() => (view().placementPreview?.candidates.length ?? 0) > 0, "the preview");
      await room.add("b");
      await until(() => previews === 2, "a preview of the larger room");
      await page.act({ type: "show_preview", shown: false });
      await room.add("c");
      await until(() => view().placementPreview === null, "the old preview to go");
      expect(previews).toBe(2);
    });
  });

  test("a draft shows its cost, and stays when the room changes", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, room }) => {
      await inside(view);
      await page.act({ type: "place_model", source: MODEL_URL });
      const stages = [{ member: view().self!, first: 0, end: 6 }];
      await page.act({ type: "draft_stages", model: "tiny", stages });
      expect(view().placementPreview?.draft).toMatchObject({ stages, infeasible: null });
      await room.add("b");
      expect(view().placementPreview?.draft).toMatchObject({ stages });
      await page.act({ type: "draft_stages", model: "tiny", stages: null });
      expect(view().placementPreview?.draft).toBeNull();
    });
  });

  test("a picked file is placed", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, views }) => {
      await inside(view);
      await page.act({ type: "place_file", file: new File([], "tiny.gguf") });
      const labels = views
        .flatMap(({ progress }) => progress ?? [])
        .map(({ label, fraction }) => [label, fraction]);
      expect(labels).toContainEqual(["Reading tiny.gguf", 0.25]);
      expect(labels.at(-1)).toEqual(["Placing the model", null]);
      expect(view().progress).toBeNull();
      expect(view().state?.placement).toMatchObject({ ready: true, model: { name: "tiny" } });
    });
  });

  test("measuring again updates the tab and the room", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, asked }) => {
      await inside(view);
      await page.act({ type: "measure_again" });
      expect(asked.measured).toBe(1);
      expect(view()).toMatchObject({ progress: null, adapterCheck: { status: "ready" } });
    });
  });

  test("deleting the stored models is confirmed by a notice, which can be dismissed", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, asked }) => {
      await inside(view);
      await page.act({ type: "clear_model_cache" });
      expect(asked.deleted).toBe(1);
      expect(view().notice).toMatchObject({ level: "info" });
      await page.act({ type: "dismiss_notice" });
      expect(view().notice).toBeNull();
    });
  });

  test("leaving clears what belongs to the room, and another room can be opened", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, room }) => {
      await inside(view);
      await page.act({ type: "leave_room" });
      room.tabs.get("page" as never)?.crash();
      expect(view()).toMatchObject({
        phase: "outside",
        self: null,
        state: null,
        joinUrl: null,
        placementPreview: null,
      });
    });
  });

  test("a notice of the room names its members", async () => {
    await withPage("/?room=ABCDEF&join", async ({ view, room }) => {
      await inside(view);
      const other = await room.add("other");
      other.client.leave();
      room.tabs.delete(other.id);
      await until(() => view().notice !== null, "the notice");
      expect(view().notice).toMatchObject({ level: "info", message: "Tab other left the room." });
    });
  });
});

describe("a saved log", () => {
  test("is stepped through from its first event to the room as it was saved", async () => {
    await withPage("/?room=ABCDEF&join", async ({ page, view, saved, room }) => {
      await inside(view);
      await room.add("other");
      await page.act({ type: "place_model", source: MODEL_URL });
      const { state } = view();
      await page.act({ type: "save_log" });
      await page.act({ type: "leave_room" });
      room.tabs.delete("page" as never);
      expect(saved[0]!.name).toBe(`tabmesh-ABCDEF-${state!.nextIndex}.json`);

      await page.act({ type: "open_log", file: saved[0]! });
      const length = state!.nextIndex;
      expect(view()).toMatchObject({ phase: "replay", replay: { position: 0, length } });
      expect(view().state).toMatchObject({ members: [], placement: null });
      await page.act({ type: "show_log_at", position: 1 });
      expect(view().replay!.event).toBe("Tab page joined.");
      expect(view().state!.members.map(({ id }) => id)).toEqual(["page"]);
      await page.act({ type: "show_log_at", position: length });
      expect(view().state).toEqual(state);
      await page.act({ type: "show_log_at", position: 1 });
      expect(view().state!.placement).toBeNull();
      await page.act({ type: "close_log" });
      expect(view()).toMatchObject({ phase: "outside", state: null, replay: null });
    });
  });

  test("that cannot be read is a notice, and the page stays outside", async () => {
    await withPage("/", async ({ page, view }) => {
      await page.act({ type: "open_log", file: new File(["{}"], "settings.json") });
      expect(view()).toMatchObject({ phase: "outside", notice: { level: "error" } });
      expect(view().notice!.message).toMatch(/not a room's log/);
    });
  });
});
