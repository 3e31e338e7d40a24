/** The conversation of a tab: what is shown and what the model reads, after failures too. */
import { expect, test } from "vitest";
import type { RoomClient } from "../../src/cluster/room-client.ts";
import { Chat } from "../../src/page/chat.ts";
import { ViewStore } from "../../src/page/view-store.ts";
import { EMPTY_VIEW } from "../../src/ui/page-view.ts";
import { type ModelHost } from "../../src/cluster/parts.ts";
import { HALF, MODEL_URL } from "../../tools/room/test-data.ts";
import { text } from "../../tools/room/test-host.ts";
import { withRoom } from "../../tools/room/test-room.ts";

type Asked = { role: string; content: string }[];

/** A room whose model has an answer for every question but the `failing`-th. */
async function withChat(
  failing: number,
  act: (
    ask: (question: string) => Promise<void>,
    store: ViewStore,
    asked: Asked[],
  ) => Promise<void>,
): Promise<void> {
  await withRoom(async (room) => {
    const asked: Asked[] = [];
    const models: Partial<ModelHost> = {
      text: () =>
        Promise.resolve({
          ...text,
          encodeChat: (messages) => {
            asked.push(messages.map(({ role, content }) => ({ role, content })));
            if (asked.length === failing) return Promise.reject(new Error("no template"));
            return Promise.resolve(Uint32Array.of(1, 2, 3));
          },
        }),
    };
    const { client }: { client: RoomClient } = await room.add("a", { models });
    await client.place({ model: MODEL_URL });
    const store = new ViewStore(EMPTY_VIEW, () => undefined);
    const chat = new Chat(store);
    await act((question) => chat.ask(client, question), store, asked);
  });
}

test("a question that is asked again after a failure appears once", async () => {
  await withChat(1, async (ask, store) => {
    await ask("Why?");
    expect(store.view.chat.map(({ status }) => status)).toEqual(["done", "failed"]);
    await ask("Why?");
    expect(store.view.chat.map(({ role, status }) => [role, status])).toEqual([
      ["user", "done"],
      ["assistant", "context_full"],
    ]);
  });
});

test("an answer ends at the room's token limit, and shows it", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a");
    await client.place({ model: MODEL_URL });
    const settings = { ...client.state.settings, maxAnswerTokens: 5 };
    await client.dispatch({ type: "change_settings", settings });
    const store = new ViewStore(EMPTY_VIEW, () => undefined);
    await new Chat(store).ask(client, "Why?");
    expect(store.view.chat.at(-1)).toMatchObject({ status: "token_limit", tokens: 5 });
  });
});

test("the failure of a question that is not asked again stays visible, and the model does not read it", async () => {
  await withChat(2, async (ask, store, asked) => {
    await ask("One?");
    await ask("Two?");
    await ask("Three?");
    expect(store.view.chat).toHaveLength(6);
    expect(
      asked
        .at(-1)
        ?.filter(({ role }) => role === "user")
        .map(({ content }) => content),
    ).toEqual(["One?", "Three?"]);
  });
});

test("an interrupted answer is shown as waiting, continues, and drops the times of the lost stages", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("requester", { observes: true });
    for (const name of ["a", "b", "c"]) await room.add(name, { memoryBytes: HALF, stepMs: 2 });
    await client.place({ model: MODEL_URL });
    const lost = client.state.placement!.stages[1]!.member;
    const waits: number[] = [];
    const stages: string[][] = [];
    const recoveries = new Set<string | null>();
    const store = new ViewStore(EMPTY_VIEW, (view) => {
      const last = view.chat.at(-1);
      recoveries.add(last?.recovery ?? null);
      if (last?.status === "queued") waits.push(last.tokens);
      stages.push(view.timings.map(({ member }) => member));
      if (last?.tokens === 4 && room.tabs.has(lost)) room.tabs.get(lost)!.crash();
      if (last?.tokens === 12) chat.stop();
    });
    const chat = new Chat(store);
    client.subscribe(() => chat.follow(client.state.placement?.id ?? null));
    await chat.ask(client, "GO ON");
    expect(store.view.chat.at(-1)).toMatchObject({ status: "stopped", error: null });
    expect(waits.at(-1)).toBeGreaterThanOrEqual(4);
    // The lost member and the progress are shown until the next token.
    expect(recoveries.size).toBeGreaterThan(1);
    expect(store.view.chat.at(-1)?.recovery).toBeNull();
    const withLost = stages.map((members) => members.includes(lost));
    expect(withLost).toContain(true);
    // After the new placement, the lost stage no longer appears.
    expect(stages.slice(withLost.lastIndexOf(true) + 1).some(({ length }) => length > 0)).toBe(
      true,
    );
    expect(stages.at(-1)).not.toContain(lost);
    expect(stages.at(-1)).toHaveLength(2);
  });
});
