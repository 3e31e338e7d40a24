/** Faults in which no member leaves: a shard that fails, a channel that closes, a link that stays cut. */
import { expect, test } from "vitest";
import type { AnswerEvent } from "../../src/cluster/generation/answer.ts";
import { FailureError } from "../../src/shared/index.ts";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { HALF, MODEL_URL } from "../../tools/room/test-data.ts";
import { codes, text } from "../../tools/room/test-host.ts";
import { ask, collect, type Tab, type TestRoom, withRoom } from "../../tools/room/test-room.ts";

const PROMPT = "GO ON";
const TOKENS = 20;

/** Two members hold the model; a third could take a half. */
async function openRoom(room: TestRoom, repairMs = 5000, names = ["a", "b", "c"]) {
  // No review moves layers because a busy machine computed slowly.
  const timings = { repairMs, settleMs: 60_000 };
  const requester = await room.add("requester", { observes: true, timings });
  for (const name of names) await room.add(name, { memoryBytes: HALF, stepMs: 2, timings });
  await requester.client.place({ model: MODEL_URL });
  return requester;
}

const stageTab = (room: TestRoom, requester: Tab, index: number) =>
  room.tabs.get(requester.client.state.placement!.stages[index]!.member)!;

/** Reads an answer, and calls `act` after the third token. */
async function readAnd(answer: AsyncIterable<AnswerEvent>, act: () => void): Promise<number[]> {
  const tokens: number[] = [];
  for await (const event of answer) {
    if (event.kind !== "token") continue;
    tokens.push(event.token);
    if (tokens.length === 3) act();
  }
  return tokens;
}

const undisturbed = () => referenceAnswer([...codes(PROMPT)], TOKENS);
const broken = () => Promise.reject(new Error("out of memory"));

test.each([0, 1])("stage %i's GPU fails: its member loads the layers again", async (stage) => {
  await withRoom(async (room) => {
    // Both are needed: a busy machine may make a third one look faster.
    const requester = await openRoom(room, undefined, ["a", "b"]);
    const { client } = requester;
    const before = client.state.placement!;
    const tab = stageTab(room, requester, stage);
    const poisoned = tab.shard();
    const tokens = await readAnd(client.ask(ask(PROMPT, { maxTokens: TOKENS })), () => {
      poisoned.step = broken;
    });
    expect(tokens).toEqual(await undisturbed());
    const { placement, members } = client.state;
    expect(placement!.ready).toBe(true);
    expect(placement!.stages.map(({ member }) => member)).toContain(tab.id);
    expect(placement!.id).not.toBe(before.id);
    expect(tab.shard()).not.toBe(poisoned);
    // The answer was complete, so the member is trusted again.
    expect(members.filter(({ fault }) => fault)).toEqual([]);
  });
});

test("a GPU that fails again is skipped, with the reason", async () => {
  await withRoom(async (room) => {
    const requester = await openRoom(room);
    const { client } = requester;
    const tab = stageTab(room, requester, 1);
    const fail = () => (tab.shard().step = broken);
    const id = client.state.placement!.id;
    const off = client.subscribe(() => {
      if (client.state.placement?.id !== id && client.state.placement?.ready === true) fail();
    });
    const tokens = await readAnd(client.ask(ask(PROMPT, { maxTokens: TOKENS })), fail);
    off();
    expect(tokens).toEqual(await undisturbed());
    const { placement, members } = client.state;
    expect(placement!.stages.map(({ member }) => member)).not.toContain(tab.id);
    expect(members.find(({ id: member }) => member === tab.id)?.fault).toMatchObject({
      count: 2,
      cause: { reason: "unexpected", detail: "out of memory" },
    });
  });
});

test("a frames channel that closes is opened again, and no layer moves", async () => {
  await withRoom(async (room) => {
    const requester = await openRoom(room);
    const { client } = requester;
    const before = client.state.placement!;
    const [first, second] = [0, 1].map((stage) => stageTab(room, requester, stage).id);
    const tokens = await readAnd(client.ask(ask(PROMPT, { maxTokens: TOKENS })), () =>
      room.cutFrames(first!, second!, true),
    );
    expect(tokens).toEqual(await undisturbed());
    expect(client.state.placement).toEqual(before);
    expect(client.state.lostLinks).toEqual([]);
  });
});

test("a link that stays cut is lost, and the layers move to members that have one", async () => {
  await withRoom(async (room) => {
    const requester = await openRoom(room, 200);
    const { client } = requester;
    const [first, second] = [0, 1].map((stage) => stageTab(room, requester, stage).id);
    const tokens = await readAnd(client.ask(ask(PROMPT, { maxTokens: TOKENS })), () =>
      room.cutFrames(first!, second!, false),
    );
    expect(tokens).toEqual(await undisturbed());
    const { placement, lostLinks } = client.state;
    const stages = placement!.stages.map(({ member }) => member);
    expect(stages.includes(first!) && stages.includes(second!)).toBe(false);
    expect(lostLinks).toContainEqual({ from: first, to: second });
  });
});

test.each([
  ["the coordinator, which has no layers, finds the same", false, ["stage_silent"]],
  ["nobody else does, so that only the link is lost", true, []],
])("a stage of two reports that the other is silent: %s", async (_, isLiar, causes) => {
  await withRoom(async (room) => {
    const requester = await openRoom(room, 200, ["a", "b"]);
    const { client } = requester;
    const [first, second] = [0, 1].map((stage) => stageTab(room, requester, stage));
    // The second stage does not notice, like one whose worker hangs.
    const dispatch = second!.client.dispatch.bind(second!.client);
    second!.client.dispatch = (command) =>
      command.type === "report_trouble" ? Promise.resolve(null) : dispatch(command);
    await collect(client.ask(ask(PROMPT))); // its tokens need a link from the second stage
    const before = client.log.events.length;
    room.cutFrames(first!.id, second!.id, false);
    if (!isLiar) room.cutFrames(requester.id, second!.id, false);
    await room.until(({ placement }) => placement?.error != null, "the loss");
    const events = client.log.events.slice(before).map(({ event }) => event);
    const faults = events.filter((event) => event.type === "member_faulted");
    expect(faults.map(({ cause }) => cause.reason)).toEqual(causes);
  });
});

test("a model's server is gone: the load says so and resumes later, and a question waits for it", async () => {
  const unreachable = {
    reason: "url_unreachable",
    url: "https://models.example/tiny.gguf",
    host: "models.example",
    detail: "failed to fetch",
    isOwnServer: false,
    mayBeCors: false,
  } as const;
  let isGone = true;
  const read = () => (isGone ? Promise.reject(new FailureError(unreachable)) : Promise.resolve());
  await withRoom(async (room) => {
    const models = { text: () => read().then(() => text) };
    const requester = await room.add("requester", { observes: true, models });
    await room.add("a", { beforeLoad: read });
    const placing = requester.client.place({ model: MODEL_URL });
    await room.until(({ members }) => members.some(({ shard }) => shard?.error), "the reason");
    const { placement, members } = requester.client.state;
    expect(placement).toMatchObject({ ready: false, error: null });
    expect(members.find(({ id }) => id === "a")?.shard).toMatchObject({
      status: "loading",
      error: unreachable,
    });
    const answer = collect(requester.client.ask(ask(PROMPT, { maxTokens: TOKENS })));
    isGone = false;
    await placing;
    expect((await answer).tokens).toEqual(await undisturbed());
  });
});
