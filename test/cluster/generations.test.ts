/** Admission: as many answers at once as there are slots; the others wait in order. */
import { describe, expect, test } from "vitest";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { MODEL_URL } from "../../tools/room/test-data.ts";
import { codes } from "../../tools/room/test-host.ts";
import { ask, collect, withRoom, type TestRoom } from "../../tools/room/test-room.ts";
import { MAX_GENERATIONS_PER_MEMBER } from "../../src/cluster/coordinator/generation-request.ts";
import { DEFAULT_SETTINGS } from "../../src/shared/state.ts";

async function placedRoom(room: TestRoom, slots: number) {
  const { client } = await room.add("a", { stepMs: 1 });
  const requester = await room.add("b", { observes: true });
  await client.dispatch({
    type: "change_settings",
    settings: { ...DEFAULT_SETTINGS, generationSlots: slots },
  });
  await client.place({ model: MODEL_URL });
  return { client, requester };
}

test("more requests than slots: only as many run at once, and each gets its own answer", async () => {
  await withRoom(async (room) => {
    const { client, requester } = await placedRoom(room, 2);
    const running: number[] = [];
    client.subscribe(() =>
      running.push(client.state.generations.filter(({ status }) => status === "running").length),
    );
    const prompts = ["ONE", "TWO", "THREE", "FOUR", "FIVE"];
    const answers = await Promise.all(
      prompts.map((prompt, index) =>
        collect((index % 2 === 0 ? client : requester.client).ask(ask(prompt))),
      ),
    );
    for (const [index, { tokens }] of answers.entries()) {
      expect(tokens).toEqual(await referenceAnswer([...codes(prompts[index]!)], 8));
    }
    expect(Math.max(...running)).toBe(2);
    await room.until(({ generations }) => generations.length === 0, "all to end");
  });
});

test("an aborted answer frees its slot for the next one", async () => {
  await withRoom(async (room) => {
    const { client, requester } = await placedRoom(room, 1);
    const stop = new AbortController();
    const long = collect(client.ask(ask("LONG", { maxTokens: 200, signal: stop.signal })));
    await room.until(({ generations }) => generations[0]?.status === "running", "it to run");
    const second = collect(requester.client.ask(ask("NEXT")));
    await room.until(({ generations }) => generations.length === 2, "the second to wait");
    stop.abort();
    expect((await long).events.at(-1)).toMatchObject({ kind: "finished", finish: "cancelled" });
    expect((await second).tokens).toHaveLength(8);
  });
});

test("a request that is repeated with its key gets the generation that it has", async () => {
  await withRoom(async (room) => {
    const { client, requester } = await placedRoom(room, 1);
    const request = { type: "request_generation", continues: false, promptTokens: 3 } as const;
    const turn = { ...request, key: "once", maxTokens: 5 };
    const id = await requester.client.dispatch(turn);
    expect(await requester.client.dispatch(turn)).toBe(id);
    expect(await requester.client.dispatch({ ...turn, key: "twice" })).not.toBe(id);
    // Keys of different requesters do not collide.
    expect(await client.dispatch(turn)).not.toBe(id);
    expect(client.state.generations).toHaveLength(3);
  });
});

test("an answer that ends because the context is full says so", async () => {
  await withRoom(async (room) => {
    const { client } = await placedRoom(room, 1);
    const end = async (maxTokens: number | null) =>
      (await collect(client.ask(ask("LONG", { maxTokens })))).events.at(-1);
    expect(await end(null)).toMatchObject({ finish: "length", limit: "context" });
    expect(await end(4)).toMatchObject({ finish: "length", limit: "tokens" });
  });
});

test("a reader that stops reading ends its generation", async () => {
  await withRoom(async (room) => {
    const { client } = await placedRoom(room, 1);
    for await (const event of client.ask(ask("LONG", { maxTokens: 200 }))) {
      if (event.kind === "token") break;
    }
    await room.until(({ generations }) => generations.length === 0, "the slot to be free");
  });
});

describe("the answers of a member that leaves", () => {
  test("free their slots", async () => {
    await withRoom(async (room) => {
      const { client, requester } = await placedRoom(room, 1);
      const long = collect(requester.client.ask(ask("LONG", { maxTokens: 200 }))).catch(() => null);
      await room.until(({ generations }) => generations[0]?.status === "running", "it to run");
      requester.client.leave();
      room.tabs.delete(requester.id);
      await long;
      expect((await collect(client.ask(ask("NEXT")))).tokens).toHaveLength(8);
    });
  });
});

test("a member may have a bounded number of waiting answers, and others can still ask", async () => {
  await withRoom(async (room) => {
    const { client, requester } = await placedRoom(room, 1);
    const stop = new AbortController();
    const greedy = ask("LONG", { maxTokens: 200, signal: stop.signal });
    const waiting = Array.from({ length: MAX_GENERATIONS_PER_MEMBER }, () =>
      collect(requester.client.ask(greedy)),
    );
    await room.until(
      ({ generations }) => generations.length === waiting.length,
      "all to be queued",
    );
    await expect(collect(requester.client.ask(greedy))).rejects.toMatchObject({
      code: "busy",
      failure: { reason: "too_many_generations", maxGenerations: MAX_GENERATIONS_PER_MEMBER },
    });
    const honest = collect(client.ask(ask("HI")));
    await room.until(
      ({ generations }) => generations.some((one) => one.requester === client.self),
      "another member's to be queued",
    );
    stop.abort();
    expect((await honest).tokens).toHaveLength(8);
    await Promise.all(waiting);
  });
});

test("without a model an answer is refused", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("a");
    await expect(collect(client.ask(ask("X")))).rejects.toMatchObject({
      failure: { reason: "no_model_placed" },
    });
  });
});

test("placing another model ends an answer with model_changed", async () => {
  await withRoom(async (room) => {
    const { client } = await placedRoom(room, 1);
    const long = collect(client.ask(ask("LONG", { maxTokens: 200 })));
    await room.until(({ generations }) => generations[0]?.status === "running", "it to run");
    const model = { ...client.state.models[0]!, name: "other", contentId: "other-1" };
    await client.dispatch({ type: "add_model", model });
    await Promise.all([
      expect(long).rejects.toMatchObject({
        failure: { reason: "model_changed", model: "tiny", placed: "other" },
      }),
      client.place({ model: "other" }),
    ]);
  });
});
