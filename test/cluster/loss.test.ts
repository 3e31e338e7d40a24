/** Members and coordinators that leave: what the room does, and what a requester sees. */
import { describe, expect, test } from "vitest";
import { isEvent } from "../../src/cluster/membership/room-access.ts";
import type { Planner } from "../../src/cluster/parts.ts";
import type { AnswerEvent } from "../../src/cluster/generation/answer.ts";
import { member, referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { HALF, MODEL_URL, WHOLE } from "../../tools/room/test-data.ts";
import { codes, planner } from "../../tools/room/test-host.ts";
import { ask, collect, withRoom, type Tab, type TestRoom } from "../../tools/room/test-room.ts";
import type { RecoveryProgress, RoomNotice } from "../../src/shared/room-notice.ts";
import type { RoomFailure } from "../../src/shared/room-failure.ts";
import { GREEDY } from "../../src/shared/sampling.ts";

const PROMPT = "GO ON";
/** Memory for two of six layers. */
const THIRD = 2600;

/** Reads an answer, and calls `act` after the third token. */
async function readAnd(
  answer: AsyncIterable<AnswerEvent>,
  act: () => void,
): Promise<{ tokens: number[]; kinds: string[] }> {
  const tokens: number[] = [];
  const kinds: string[] = [];
  for await (const event of answer) {
    kinds.push(event.kind);
    if (event.kind !== "token") continue;
    tokens.push(event.token);
    if (tokens.length === 3) act();
  }
  return { tokens, kinds };
}

/** The rest of the room is short of memory. */
const notPlacedAgain = (member: string) => ({
  reason: "not_placed_again",
  loss: { reason: "stage_member_left", member },
  cause: { reason: "not_placed", refusal: { kind: "infeasible", binds: "memory" } },
});

/** A promise, and the function that resolves it. */
function whenCalled(): readonly [Promise<void>, () => void] {
  let call = () => undefined as void;
  return [new Promise((resolve) => (call = resolve)), () => call()];
}

function stageTab(room: TestRoom, index: number) {
  const client = [...room.tabs.values()][0]?.client;
  const member = client?.state.placement?.stages[index]?.member;
  const tab = member && room.tabs.get(member);
  if (!tab) throw new Error(`no stage ${index}`);
  return tab;
}

describe("a member with a stage leaves during an answer", () => {
  test.each([0, 1])(
    "stage %i: the answer continues elsewhere with the same tokens",
    async (stage) => {
      await withRoom(async (room) => {
        const requester = await room.add("requester", { observes: true });
        for (const name of ["a", "b", "c"]) await room.add(name, { memoryBytes: HALF, stepMs: 2 });
        await requester.client.place({ model: MODEL_URL });
        const gone = stageTab(room, stage);
        const tokens: number[] = [];
        const losses: RoomFailure[] = [];
        for await (const event of requester.client.ask(ask(PROMPT, { maxTokens: 20 }))) {
          if (event.kind === "interrupted") losses.push(event.failure);
          if (event.kind === "token" && tokens.push(event.token) === 3) gone.crash();
        }
        // Not only that a channel closed.
        expect(losses[0]).toMatchObject({ reason: "stage_member_left", member: gone.id });
        expect(tokens).toEqual(await referenceAnswer([...codes(PROMPT)], 20));
        expect(requester.client.state.members.map(({ id }) => id)).not.toContain(gone.id);
      });
    },
  );

  test("the other stage keeps its layers and computes nothing again", async () => {
    await withRoom(async (room) => {
      const requester = await room.add("requester", { observes: true });
      for (const name of ["a", "b", "c"]) await room.add(name, { memoryBytes: HALF, stepMs: 2 });
      await requester.client.place({ model: MODEL_URL });
      const reasons: string[] = [];
      requester.client.subscribe((change) => {
        if (isEvent(change, "placement_reviewed"))
          reasons.push(change.event.event.decision.reason.kind);
      });
      const [gone, other] = [stageTab(room, 0), stageTab(room, 1)];
      const shard = other.shard();
      const long = Array.from({ length: 100 }, (_, index) => index % 96);
      const request = ask("", { maxTokens: 20, input: { kind: "tokens", tokens: long } });
      const { tokens } = await readAnd(requester.client.ask(request), () => gone.crash());
      expect(tokens).toEqual(await referenceAnswer(long, 20));
      expect(reasons[0]).toBe("repaired");
      expect(other.shard()).toBe(shard);
      const rows = shard.stepRows.reduce((sum, count) => sum + count, 0);
      expect(rows).toBeLessThan(long.length + 2 * 20);
    });
  });

  test.each([
    ["a", "b", 0],
    ["b", "c", 1],
    ["c", "b", 2],
  ])("%s: its neighbor %s loads only the lost layers", async (lost, taker, index) => {
    await withRoom(async (room) => {
      const timings = { settleMs: 20, cooldownMs: 60_000 };
      const requester = await room.add("requester", { observes: true, timings });
      const names = ["a", "b", "c"];
      // The one that is not the taker has no space for more.
      for (const name of names)
        await room.add(name, { stepMs: 2, memoryBytes: name === taker ? WHOLE : THIRD });
      const stages = names.map((name, at) => ({
        member: member(name),
        first: 2 * at,
        end: 2 * at + 2,
      }));
      await requester.client.place({ model: MODEL_URL, stages });
      const long = Array.from({ length: 100 }, (_, at) => at % 96);
      const request = ask("", { maxTokens: 20, input: { kind: "tokens", tokens: long } });
      const gone = room.tabs.get(member(lost))!;
      const { tokens } = await readAnd(requester.client.ask(request), () => gone.crash());
      expect(tokens).toEqual(await referenceAnswer(long, 20));
      const { shards } = room.tabs.get(member(taker))!;
      expect(shards.map(({ description: { first, end } }) => ({ first, end }))).toEqual([
        {
          first: stages.find((stage) => stage.member === member(taker))!.first,
          end: expect.any(Number) as unknown,
        },
        { first: 2 * index, end: 2 * index + 2 },
      ]);
      const rows = shards[0]!.stepRows.reduce((sum, count) => sum + count, 0);
      expect(rows).toBeLessThan(long.length + 2 * 20);
      // A review for gain alone waits: it would interrupt the answer once more.
      expect(requester.client.state.placement?.stages).toHaveLength(2);
    });
  });

  test.each([0, 1])(
    "when no member can take its layers, the answer waits for one, with temperature %i",
    async (temperature) => {
      const sampling = { ...GREEDY, temperature, seed: 7 };
      await withRoom(async (room) => {
        const requester = await room.add("requester", { observes: true });
        await room.add("a", { memoryBytes: HALF, stepMs: 2 });
        await room.add("b", { memoryBytes: HALF, stepMs: 2 });
        await requester.client.place({ model: MODEL_URL });
        const question = ask(PROMPT, { maxTokens: 20, sampling });
        const undisturbed = await collect(requester.client.ask(question));
        const gone = stageTab(room, 1);
        const tokens: number[] = [];
        const waits: RecoveryProgress[] = [];
        for await (const event of requester.client.ask(question)) {
          if (event.kind === "token") tokens.push(event.token);
          if (tokens.length === 3 && room.tabs.has(gone.id)) gone.crash();
          if (event.kind !== "recovering") continue;
          waits.push(event.progress);
          if (event.progress.kind === "waiting_for_member" && !room.tabs.has(member("c"))) {
            // A new question is refused: only what has begun waits.
            await expect(collect(requester.client.ask(question))).rejects.toMatchObject({
              failure: notPlacedAgain(gone.id),
            });
            await room.add("c", { memoryBytes: HALF });
          }
        }
        expect(tokens).toEqual(undisturbed.tokens);
        const wait = waits.find(({ kind }) => kind === "waiting_for_member");
        expect(wait).toMatchObject({ failure: notPlacedAgain(gone.id) });
        expect(wait).toMatchObject({ missingBytes: expect.any(Number) as unknown });
        expect(waits.at(-1)).toEqual({ kind: "recomputing" });
        await room.until(({ generations }) => generations.length === 0, "the end");
      });
    },
  );

  test("an answer that waits for a member can be cancelled", async () => {
    await withRoom(async (room) => {
      const requester = await room.add("requester", { observes: true });
      await room.add("a", { memoryBytes: HALF, stepMs: 2 });
      await room.add("b", { memoryBytes: HALF, stepMs: 2 });
      await requester.client.place({ model: MODEL_URL });
      const stop = new AbortController();
      const kinds: string[] = [];
      for await (const event of requester.client.ask(
        ask(PROMPT, { maxTokens: 50, signal: stop.signal }),
      )) {
        kinds.push(event.kind);
        if (kinds.filter((kind) => kind === "token").length === 3) {
          room.tabs.get(requester.client.state.placement!.stages[1]!.member)?.crash();
        }
        if (event.kind === "recovering" && event.progress.kind === "waiting_for_member")
          stop.abort();
        if (event.kind === "finished") expect(event.finish).toBe("cancelled");
      }
      expect(kinds.at(-1)).toBe("finished");
      await room.until(({ generations }) => generations.length === 0, "it to be forgotten");
    });
  });
});

describe("notices of a loss", () => {
  const openRoom = async (room: TestRoom, gone: () => Tab) => {
    const requester = await room.add("requester", { observes: true });
    const notices: RoomNotice[] = [];
    requester.client.onNotice((notice) => notices.push(notice));
    await room.add("a", { memoryBytes: HALF });
    await room.add("b", { memoryBytes: HALF });
    await requester.client.place({ model: MODEL_URL });
    const before = requester.client.state.placement?.id;
    const state = () => requester.client.state;
    const tab = gone();
    return { requester, notices, state, before, tab };
  };

  test("the notice that it left stays while others take over its layers", async () => {
    await withRoom(async (room) => {
      const { notices, state, before, tab } = await openRoom(room, () => stageTab(room, 1));
      await room.add("c", { memoryBytes: HALF });
      tab.crash();
      await room.until(
        ({ placement }) => placement?.ready === true && placement.id !== before,
        "another placement",
      );
      expect(notices.at(-1)).toMatchObject({
        kind: "member_left",
        member: tab.id,
        reason: { reason: "connection_closed" },
        heldLayers: true,
      });
      expect(state().lastDecision?.trigger).toMatchObject({
        kind: "loss",
        failure: { reason: "stage_member_left", member: tab.id, model: "tiny" },
      });
      expect(state().formerMembers).toContainEqual({ id: tab.id, name: `Tab ${tab.id}` });
    });
  });

  test("that no member can take its layers has a notice of its own", async () => {
    await withRoom(async (room) => {
      const { notices, tab } = await openRoom(room, () => stageTab(room, 1));
      tab.crash();
      await room.until(
        ({ placement }) => placement?.error?.reason === "not_placed_again",
        "the room to give up",
      );
      expect(notices.at(-1)).toMatchObject({
        kind: "placement_failed",
        failure: notPlacedAgain(tab.id),
      });
    });
  });

  test("every member has a notice of who left and who coordinates now", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first");
      const tabs = [await room.add("second"), await room.add("third")];
      const last = new Map<string, RoomNotice>();
      for (const { id, client } of tabs) {
        client.onNotice((notice) => last.set(id, notice));
      }
      first.crash();
      await room.until(({ members }) => members.length === 2, "a new coordinator");
      const { coordinator } = tabs[0]!.client.state;
      const notice = {
        kind: "member_left",
        member: first.id,
        reason: { reason: "coordinator_replaced", coordinator },
        heldLayers: false,
      };
      expect(Object.fromEntries(last)).toEqual({ second: notice, third: notice });
    });
  });
});

describe("the coordinator is gone", () => {
  test("one of the others continues the log in the next epoch, and all agree", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first");
      await room.add("second");
      const third = await room.add("third");
      const before = third.client.state.nextIndex;
      first.crash();
      await room.until(
        ({ epoch, members }) => epoch === 2 && members.length === 2,
        "a new coordinator",
      );
      const { coordinator } = third.client.state;
      expect(["second", "third"]).toContain(coordinator);
      expect(third.client.state.nextIndex).toBeGreaterThan(before);
      await third.client.dispatch({ type: "rename", name: "still here" });
      await room.until(
        ({ members }) => members.some(({ name }) => name === "still here"),
        "the next event",
      );
      expect([...room.tabs.values()].filter(({ client }) => client.coordinates)).toHaveLength(1);
    });
  });

  test("an answer that does not need it continues without a break", async () => {
    await withRoom(async (room) => {
      const coordinator = await room.add("first", { observes: true });
      await room.add("a", { memoryBytes: HALF, stepMs: 2 });
      await room.add("b", { memoryBytes: HALF, stepMs: 2 });
      const requester = await room.add("requester", { observes: true });
      await coordinator.client.place({ model: MODEL_URL });
      const { tokens, kinds } = await readAnd(
        requester.client.ask(ask(PROMPT, { maxTokens: 20 })),
        () => coordinator.crash(),
      );
      expect(kinds).not.toContain("interrupted");
      expect(tokens).toEqual(await referenceAnswer([...codes(PROMPT)], 20));
      await room.until(
        ({ epoch, generations }) => epoch === 2 && generations.length === 0,
        "the new coordinator to get the end",
      );
    });
  });

  test("if it held a stage, the answer continues under the new coordinator", async () => {
    await withRoom(async (room) => {
      const first = await room.add("a", { memoryBytes: HALF, stepMs: 2 });
      await room.add("b", { memoryBytes: HALF, stepMs: 2 });
      const requester = await room.add("requester", { observes: true });
      await first.client.place({ model: MODEL_URL });
      await room.add("c", { memoryBytes: HALF, stepMs: 2 });
      const { tokens, kinds } = await readAnd(
        requester.client.ask(ask(PROMPT, { maxTokens: 20 })),
        () => first.crash(),
      );
      expect(kinds).toContain("interrupted");
      expect(tokens).toEqual(await referenceAnswer([...codes(PROMPT)], 20));
    });
  });

  test("nothing waits for a stage that is lost with it", async () => {
    await withRoom(async (room) => {
      const timings = { rejoinMs: 60_000 };
      const first = await room.add("a", { memoryBytes: HALF, stepMs: 2, timings });
      const second = await room.add("b", { memoryBytes: HALF, stepMs: 2, timings });
      await first.client.place({ model: MODEL_URL });
      const requester = await room.add("c", { stepMs: 2, timings });
      // As in a browser, where frames need a connection.
      await requester.transport.connect(second.id);
      const { tokens } = await readAnd(requester.client.ask(ask(PROMPT, { maxTokens: 20 })), () => {
        first.crash();
        second.crash();
      });
      expect(tokens).toEqual(await referenceAnswer([...codes(PROMPT)], 20));
      expect(requester.client.state.members.map(({ id }) => id)).toEqual(["c"]);
    });
  });

  test("a model that it was to place is placed by the new one", async () => {
    await withRoom(async (room) => {
      const [asked, onSolve] = whenCalled();
      const never: Planner = { ...planner, solve: () => (onSolve(), new Promise(() => undefined)) };
      const first = await room.add("first", { observes: true, planner: never });
      const { client } = await room.add("a", { stepMs: 2 });
      const placed = client.place({ model: MODEL_URL });
      await asked;
      first.crash();
      await placed;
      expect(client.state).toMatchObject({ coordinator: "a", placement: { ready: true } });
    });
  });

  test("a request in transit is repeated to the new one, and answered once", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first", { observes: true });
      const other = await room.add("other", { observes: true });
      await room.add("a", { stepMs: 2 });
      const requester = await room.add("requester", { observes: true });
      await first.client.place({ model: MODEL_URL });
      await room.until(({ placement }) => placement?.ready === true, "the model");
      const queued: number[] = [];
      other.client.subscribe((change) => {
        if (!isEvent(change, "generation_queued")) return;
        queued.push(change.event.event.generation.id);
        // The event has been sent, the result has not.
        first.crash();
      });
      const answer = await collect(requester.client.ask(ask(PROMPT, { maxTokens: 12 })));
      expect(answer.tokens).toEqual(await referenceAnswer([...codes(PROMPT)], 12));
      expect(requester.client.state.coordinator).not.toBe(first.id);
      expect(
        answer.events.flatMap((event) => (event.kind === "queued" ? event.generation : [])),
      ).toEqual(queued);
      expect(queued).toHaveLength(1);
      await room.until(({ generations }) => generations.length === 0, "the end");
    });
  });

  test("a question that is asked while there is none is answered under the next one", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first", { observes: true });
      await room.add("a", { stepMs: 1 });
      const requester = await room.add("requester", { observes: true });
      await first.client.place({ model: MODEL_URL });
      await room.until(({ placement }) => placement?.ready === true, "the model");
      first.crash();
      expect(requester.client.connection).toBe("reconnecting");
      const { tokens } = await collect(requester.client.ask(ask(PROMPT, { maxTokens: 12 })));
      expect(tokens).toEqual(await referenceAnswer([...codes(PROMPT)], 12));
    });
  });

  test("members that do not rejoin leave the room", async () => {
    await withRoom(async (room) => {
      const first = await room.add("first");
      const second = await room.add("second");
      const third = await room.add("third");
      // Both at once: the second to leave has nobody to tell.
      third.crash();
      first.crash();
      await room.until(({ members }) => members.length === 1, "the absent to be dropped");
      expect(second.client.coordinates).toBe(true);
      expect(second.client.state.members.map(({ id }) => id)).toEqual(["second"]);
    });
  });
});
