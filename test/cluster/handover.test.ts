/** Layers that move while an answer is written: the next holder loads beside, then takes over. */
import { expect, test } from "vitest";
import type { AnswerEvent } from "../../src/cluster/generation/answer.ts";
import { isEvent } from "../../src/cluster/membership/room-access.ts";
import { GREEDY } from "../../src/shared/sampling.ts";
import type { Stage } from "../../src/shared/state.ts";
import { member } from "../../tools/cpu/cpu-room.ts";
import { MODEL_URL, profile } from "../../tools/room/test-data.ts";
import { ask, collect, type Tab, type TestRoom, withRoom } from "../../tools/room/test-room.ts";

const QUESTION = ask("GO ON", {
  maxTokens: 60,
  sampling: { ...GREEDY, temperature: 1, seed: 7 },
});
const stage = (name: string, first: number, end: number): Stage => ({
  member: member(name),
  first,
  end,
});

/** A room with layers on a and b, and a requester. */
async function splitRoom(room: TestRoom) {
  const requester = await room.add("requester", { observes: true });
  const a = await room.add("a", { stepMs: 2 });
  await room.add("b", { stepMs: 2 });
  await a.client.place({ model: MODEL_URL, stages: [stage("a", 0, 3), stage("b", 3, 6)] });
  await room.until(({ placement }) => placement?.ready === true, "the model");
  return { requester, a, b: room.tabs.get(member("b"))! };
}

/** Reads an answer and calls `act` at its third token. */
async function readAnd({ client }: Tab, act: () => unknown) {
  const events: AnswerEvent[] = [];
  let tokens = 0;
  for await (const event of client.ask(QUESTION)) {
    events.push(event);
    if (event.kind === "token" && ++tokens === 3) act();
  }
  return {
    tokens: events.flatMap((event) => (event.kind === "token" ? [event.token] : [])),
    kinds: events.map(({ kind }) => kind),
  };
}

/** How many tokens came while a handover loaded, and which events ended it. */
function watch({ client }: Tab) {
  const ends: boolean[] = [];
  client.subscribe((change) => {
    if (isEvent(change, "handover_ended")) ends.push(change.event.event.switched);
  });
  return ends;
}

test("a person moves layers: the answer continues while they load, and then on the new stages", async () => {
  await withRoom(async (room) => {
    const { requester, a, b } = await splitRoom(room);
    const undisturbed = (await collect(requester.client.ask(QUESTION))).tokens;
    let finishLoad = () => undefined as void;
    const mayLoad = new Promise<void>((resolve) => (finishLoad = resolve));
    let shown = 0;
    await room.add("c", {
      stepMs: 2,
      beforeLoad: () => mayLoad,
    });
    const ends = watch(requester);
    const shard = a.shard();
    const answer = (async () => {
      const tokens: number[] = [];
      const kinds: string[] = [];
      for await (const event of requester.client.ask(QUESTION)) {
        kinds.push(event.kind);
        if (event.kind !== "token") continue;
        tokens.push(event.token);
        if (tokens.length === 3)
          void a.client.place({
            model: MODEL_URL,
            stages: [stage("a", 0, 3), stage("c", 3, 6)],
          });
        if (requester.client.state.handover !== null && ++shown === 10) finishLoad();
      }
      return { tokens, kinds };
    })();
    const { tokens, kinds } = await answer;
    expect(shown).toBeGreaterThanOrEqual(10);
    expect(tokens).toEqual(undisturbed);
    expect(ends).toEqual([true]);
    expect(kinds.filter((kind) => kind === "interrupted")).toHaveLength(1);
    expect(requester.client.state.placement).toMatchObject({
      ready: true,
      stages: [stage("a", 0, 3), stage("c", 3, 6)],
    });
    // What a had computed before the switch stayed.
    expect(a.shard()).toBe(shard);
    expect(b.client.state.members.find(({ id }) => id === b.id)?.shard).toBeNull();
  });
});

test("a member's own layers change: it loads the next ones beside those that answer", async () => {
  await withRoom(async (room) => {
    const { requester, a } = await splitRoom(room);
    const undisturbed = (await collect(requester.client.ask(QUESTION))).tokens;
    const ends = watch(requester);
    const stages = [stage("a", 0, 4), stage("b", 4, 6)];
    let moved = Promise.resolve();
    const { tokens } = await readAnd(requester, () => {
      moved = a.client.place({ model: MODEL_URL, stages });
    });
    await moved;
    expect(tokens).toEqual(undisturbed);
    expect(ends).toEqual([true]);
    expect(requester.client.state.placement).toMatchObject({ ready: true, stages });
  });
});

test("a member that cannot hold both shards moves as without a handover", async () => {
  await withRoom(async (room) => {
    const { requester, a, b } = await splitRoom(room);
    const undisturbed = (await collect(requester.client.ask(QUESTION))).tokens;
    const { measurements } = profile("b", 7_000);
    await b.client.dispatch({ type: "report_measurements", measurements: measurements! });
    const stages = [stage("a", 0, 1), stage("b", 1, 6)];
    const ends = watch(requester);
    let moved = Promise.resolve();
    const { tokens } = await readAnd(requester, () => {
      moved = a.client.place({ model: MODEL_URL, stages });
    });
    await moved;
    expect(tokens).toEqual(undisturbed);
    expect(ends).toEqual([]);
  });
});

test("a next holder that fails to load: the layers move as without a handover", async () => {
  await withRoom(async (room) => {
    const { requester, a } = await splitRoom(room);
    const undisturbed = (await collect(requester.client.ask(QUESTION))).tokens;
    let attempts = 0;
    const fails = () =>
      ++attempts === 1 ? Promise.reject(new Error("no space")) : Promise.resolve();
    await room.add("c", { stepMs: 2, beforeLoad: fails });
    const stages = [stage("a", 0, 3), stage("c", 3, 6)];
    let moved = Promise.resolve();
    const { tokens } = await readAnd(requester, () => {
      moved = a.client.place({ model: MODEL_URL, stages });
    });
    await moved;
    expect(tokens).toEqual(undisturbed);
    expect(attempts).toBe(2);
    expect(requester.client.state.placement).toMatchObject({ ready: true, stages });
  });
});

test("after a loss, a member keeps its layers and their cache also where a person chooses the stages", async () => {
  await withRoom(async (room) => {
    const { requester, a } = await splitRoom(room);
    const c = await room.add("c", { stepMs: 2 });
    const { client } = requester;
    const stages = [stage("a", 0, 2), stage("b", 2, 4), stage("c", 4, 6)];
    await a.client.place({ model: MODEL_URL, stages });
    const undisturbed = (await collect(client.ask(QUESTION))).tokens;
    let placed = Promise.resolve();
    const off = client.subscribe((change) => {
      if (!isEvent(change, "placement_failed")) return;
      off();
      placed = client.place({ model: MODEL_URL, stages: [stage("a", 0, 2), stage("c", 2, 6)] });
    });
    const { tokens } = await readAnd(requester, () => room.tabs.get(member("b"))!.crash());
    await placed;
    expect(tokens).toEqual(undisturbed);
    const layers = c.shards.map(({ description: { first, end } }) => [first, end]);
    expect(layers).toEqual([
      [4, 6],
      [2, 4],
    ]);
  });
});

test("a member that leaves hands its layers over first", async () => {
  await withRoom(async (room) => {
    const { requester, a, b } = await splitRoom(room);
    const undisturbed = (await collect(requester.client.ask(QUESTION))).tokens;
    await room.add("c", { stepMs: 2 });
    const ends = watch(requester);
    const shard = a.shard();
    let left = Promise.resolve();
    const { tokens, kinds } = await readAnd(requester, () => {
      left = b.client.handOver().then(() => b.client.leave());
    });
    await left;
    room.tabs.delete(b.id);
    expect(tokens).toEqual(undisturbed);
    expect(kinds.filter((kind) => kind === "interrupted")).toHaveLength(1);
    expect(ends).toEqual([true]);
    expect(a.shard()).toBe(shard);
    await room.until(({ members }) => members.every(({ id }) => id !== b.id), "b to leave");
    expect(requester.client.state.placement).toMatchObject({ ready: true, error: null });
  });
});

test("without answers, or without a place for its layers, a member leaves at once", async () => {
  await withRoom(async (room) => {
    const requester = await room.add("requester", { observes: true });
    const a = await room.add("a", { stepMs: 2 });
    await a.client.place({ model: MODEL_URL });
    const ends = watch(requester);
    await a.client.handOver();
    let handed = Promise.resolve();
    await readAnd(requester, () => (handed = a.client.handOver()));
    await handed;
    expect(ends).toEqual([]);
    expect(requester.client.state.handover).toBeNull();
  });
});
