/**
 * A hostile member tries everything against a room of three while an honest answer is running:
 * the answer completes intact, and each attempt is refused with a reason.
 */
import { expect, test } from "vitest";
import { MAX_GENERATIONS_PER_MEMBER } from "../../src/cluster/coordinator/generation-request.ts";
import type { Frame } from "../../src/mesh/frames.ts";
import { type Clock, SYSTEM_CLOCK } from "../../src/shared/clock.ts";
import { GenerationId, MemberId } from "../../src/shared/ids.ts";
import { GREEDY } from "../../src/shared/sampling.ts";
import { DEFAULT_SETTINGS, type RoomState } from "../../src/shared/state.ts";
import { PROMPT_MS } from "../../src/stage/missing-prompts.ts";
import { MAX_HELD_BYTES } from "../../src/stage/frame-intake.ts";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { HIDDEN } from "../../tools/cpu/cpu-shard.ts";
import { HostileMember } from "../../tools/room/hostile-member.ts";
import { HALF, MODEL_URL, observer, profile } from "../../tools/room/test-data.ts";
import { codes } from "../../tools/room/test-host.ts";
import { ask, until, withRoom, type TestRoom } from "../../tools/room/test-room.ts";

const PROMPT = "HONEST";
const TOKENS = 40;
const [A, B, C] = ["a", "b", "c"].map((id) => MemberId.parse(id)) as [MemberId, MemberId, MemberId];

/** A prompt that is missing is missed sooner. */
const IMPATIENT: Clock = {
  nowMs: () => SYSTEM_CLOCK.nowMs(),
  after: (delayMs, act) => SYSTEM_CLOCK.after(delayMs === PROMPT_MS ? 300 : delayMs, act),
};

/** `a` opens and coordinates; `a` and `b` hold the model; `c` asks. */
async function honestRoom(room: TestRoom) {
  const opener = await room.add("a", { memoryBytes: HALF, stepMs: 4, stageClock: IMPATIENT });
  await room.add("b", { memoryBytes: HALF, stepMs: 4, stageClock: IMPATIENT });
  const requester = await room.add("c", { observes: true });
  await opener.client.place({ model: MODEL_URL });
  return { opener, requester };
}

/** Runs `attack` once the answer has its third token, and returns the answer. */
async function answerDuring(
  room: TestRoom,
  attack: (state: RoomState) => Promise<void>,
): Promise<void> {
  const { opener, requester } = await honestRoom(room);
  const before = opener.client.state.placement;
  const tokens: number[] = [];
  let attacking: Promise<void> | null = null;
  const prompt = ask(PROMPT, { maxTokens: TOKENS });
  for await (const event of requester.client.ask(prompt)) {
    expect(event.kind).not.toBe("interrupted");
    if (event.kind === "token") tokens.push(event.token);
    if (tokens.length === 3) attacking ??= attack(requester.client.state);
  }
  await attacking;
  const truth = await referenceAnswer([...codes(PROMPT)], TOKENS);
  expect(tokens).toEqual(truth);
  // And the next one.
  const next: number[] = [];
  for await (const event of requester.client.ask(ask(PROMPT)))
    if (event.kind === "token") next.push(event.token);
  expect(next).toEqual(truth.slice(0, 8));
  expect(opener.client.state.placement).toEqual(before);
  expect(opener.client.state.settings).toEqual(DEFAULT_SETTINGS);
  expect(opener.client.state.models).toHaveLength(1);
  expect(opener.client.state.members.map(({ id }) => id)).toEqual(
    expect.arrayContaining([A, B, C]),
  );
}

test("commands of an observer", async () => {
  await withRoom(async (room) => {
    await answerDuring(room, async (state) => {
      const mallory = await HostileMember.join(room, profile("mallory", 0, observer));
      const [model] = state.models;
      const [generation] = state.generations;
      const { placement } = state;
      const attempts: [unknown, string | null][] = [
        [{ type: "place_model", model: model!.name }, "observers_only_ask"],
        [
          { type: "place_stages", model: model!.name, stages: [{ member: A, first: 0, end: 6 }] },
          "observers_only_ask",
        ],
        [{ type: "clear_placement" }, "observers_only_ask"],
        [{ type: "choose_member", member: B, use: "exclude" }, "observers_only_ask"],
        [
          { type: "change_settings", settings: { ...DEFAULT_SETTINGS, generationSlots: 1 } },
          "observers_only_ask",
        ],
        [{ type: "change_admission", admits: "nobody" }, "observers_only_ask"],
        [{ type: "add_model", model: { ...model, contentId: "other" } }, "observers_only_ask"],
        [{ type: "remove_member", member: B }, "opener_only"],
        [
          {
            ...{ type: "change_settings" },
            settings: { ...DEFAULT_SETTINGS, changesBy: "opener" },
          },
          "opener_only",
        ],
        [
          {
            ...{ type: "end_generation", generation: generation!.id },
            ...{ outcome: "failed", tokens: 0, error: null },
          },
          "not_requester",
        ],
        [{ type: "rename", name: "x".repeat(81) }, "command_invalid"],
        [{ type: "rename", name: null }, "command_invalid"],
        [undefined, "command_invalid"],
        // Of itself only: these are about others, and change nothing.
        [{ type: "report_laps", placement: placement!.id, computeMs: [1e6, 1e6, 1e6, 1e6] }, null],
        [
          {
            type: "report_links",
            links: [
              {
                ...{ from: A, to: B, roundTripMs: 1e6 },
                ...{ bytesPerMs: 1, payloadBytes: 1, measuredAtMs: 0 },
              },
            ],
          },
          null,
        ],
      ];
      for (const [command, reason] of attempts)
        expect([command, await mallory.command(command)]).toEqual([command, reason]);
    });
    const { links, members } = room.tabs.get(A)!.client.state;
    expect(links.every(({ roundTripMs }) => roundTripMs < 1e5)).toBe(true);
    expect(members.every(({ costRatio }) => (costRatio ?? 1) < 1e3)).toBe(true);
  });
});

test("requests for more answers than it may have, without their prompts", async () => {
  await withRoom(async (room) => {
    await answerDuring(room, async () => {
      const mallory = await HostileMember.join(room, profile("mallory", 0, observer));
      const request = { type: "request_generation", promptTokens: 3, maxTokens: 200 };
      const continues = false;
      const refusals = [];
      for (let count = 0; count < MAX_GENERATIONS_PER_MEMBER + 3; count += 1)
        refusals.push(await mallory.command({ ...request, continues, key: `k${count}` }));
      expect(refusals.filter((reason) => reason !== null)).toEqual(
        Array.from({ length: 3 }, () => "too_many_generations"),
      );
    });
  });
});

test("messages of a coordinator that it is not", async () => {
  await withRoom(async (room) => {
    await answerDuring(room, async (state) => {
      const mallory = await HostileMember.join(room, profile("mallory", 0, observer));
      const { epoch, nextIndex } = state;
      const left = { type: "member_left", member: B, reason: { reason: "left" } };
      const forged = { ...state, coordinator: mallory.id, epoch: epoch + 1, members: [] };
      const event = { epoch, index: nextIndex, event: left };
      const takeover = { type: "coordinator_changed", coordinator: mallory.id };
      for (const to of [A, B, C]) {
        await mallory.say(to, { type: "events", events: [event] });
        await mallory.say(to, {
          type: "events",
          events: [{ epoch: epoch + 1, index: nextIndex, event: takeover }],
        });
        await mallory.say(to, { type: "snapshot", state: forged });
        await mallory.say(to, { type: "result", id: 1, error: null, value: null });
        await mallory.say(to, { type: "events_missing" });
        await mallory.say(to, "not a message");
      }
    });
    for (const { client } of room.tabs.values()) expect(client.state.coordinator).toBe(A);
  });
});

test("frames", async () => {
  await withRoom(async (room) => {
    await answerDuring(room, async (state) => {
      const mallory = await HostileMember.join(room, profile("mallory", 0, observer));
      const generation = state.generations[0]!.id;
      const header = { placement: state.placement!.id, epoch: 1 };
      const future = { placement: 1, epoch: 0xffff_ffff };
      const prompt = (id: number, change: object = {}): Frame => ({
        type: "prompt",
        answer: "a",
        resumes: false,
        ...header,
        generation: GenerationId.parse(id),
        requester: mallory.id,
        maxTokens: 10,
        sampling: GREEDY,
        endTokens: [],
        tokens: Uint32Array.of(1, 2, 3),
        ...change,
      });
      const hidden = (value: number): Frame => ({
        type: "hidden",
        ...{ ...header, width: HIDDEN, hidden: new Float32Array(HIDDEN).fill(value) },
        segments: [{ generation, position: 20, count: 1, clocks: [] }],
      });
      const token: Frame = {
        type: "token",
        ...{ ...header, generation, position: 9, token: 1, logprob: null, top: [] },
        ...{ finish: "stop", clocks: [] },
      };
      const end: Frame = { type: "end", ...header, generation, reason: "cancelled" };
      for (const to of [A, B, C]) {
        // Prompts for slots: of no generation, of another's, in another's name.
        for (const id of [generation + 1, generation + 2, generation + 3, 7])
          await mallory.frame(to, prompt(id));
        await mallory.frame(to, prompt(generation));
        await mallory.frame(to, prompt(generation, { requester: C }));
        for (let count = 0; count < 100; count += 1) await mallory.frame(to, { ...end, ...future });
        const tokens = new Uint32Array(MAX_HELD_BYTES / 4);
        await mallory.frame(to, prompt(7, { ...future, tokens }));
        await mallory.frame(to, hidden(0));
        await mallory.frame(to, hidden(NaN));
        await mallory.frame(to, token);
        await mallory.frame(to, end);
        const failure = { reason: "layers_unloaded" } as const;
        await mallory.frame(to, { type: "failure", ...header, generation, failure });
      }
      const reasons = ["unexpected_sender", "generation_not_running", "early_frames_exceeded"];
      await until(
        () => reasons.every((reason) => new Set<string>(mallory.refusedFrames).has(reason)),
        "refusals with their reasons",
      );
      // What does not decode costs it the channel, and nobody else anything.
      for (const to of [A, B, C]) await mallory.bytes(to, Uint8Array.of(255, 0, 0));
    });
  });
});

test("a claim to be the fastest of all", async () => {
  await withRoom(async (room) => {
    const { opener, requester } = await honestRoom(room);
    const most = new Map<MemberId, number>();
    opener.client.subscribe(() => {
      for (const { member, first, end } of opener.client.state.placement?.stages ?? [])
        most.set(member, Math.max(most.get(member) ?? 0, end - first));
    });
    const measurements = {
      ...profile("liar").measurements!,
      ...{ matVecMacsPerMs: 1e12, matMulMacsPerMs: 1e12, copyBytesPerMs: 1e12, dispatchMs: 0 },
    };
    const tokens: number[] = [];
    let joining: Promise<unknown> | null = null;
    for await (const event of requester.client.ask(ask(PROMPT, { maxTokens: TOKENS }))) {
      if (event.kind === "token") tokens.push(event.token);
      // Its steps take 40 ms, ten times as long as the others'.
      if (tokens.length === 3)
        joining ??= room.add("liar", { change: { measurements }, stepMs: 40 });
    }
    await joining;
    expect(tokens).toEqual(await referenceAnswer([...codes(PROMPT)], TOKENS));
    expect(most.get(MemberId.parse("liar"))).toBeLessThanOrEqual(2); // of six layers, among three
    await until(
      () => opener.client.state.members.some(({ costRatio }) => (costRatio ?? 1) > 1e3),
      "its laps to correct its claim",
    );
  });
});
