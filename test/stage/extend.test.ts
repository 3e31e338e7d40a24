/**
 * The neighbor of a lost stage takes its layers beside its own: the answer continues token for token, and
 * only the lost layers are computed again.
 */
import { describe, expect, test } from "vitest";
import { PlacementId, type MemberId } from "../../src/shared/ids.ts";
import type { Stage } from "../../src/shared/state.ts";
import type { Sampling } from "../../src/shared/sampling.ts";
import {
  cpuRoom,
  loadCpuShard,
  member,
  pipelineOver,
  referenceAnswer,
  request,
  type RoomMember,
} from "../../tools/cpu/cpu-room.ts";

const STAGES = ["a", "b", "c"].map(member);
const requester = member("requester");
const PROMPT = Array.from({ length: 30 }, (_, index) => (index * 7) % 96);
const TOKENS = 20;

type Room = ReadonlyMap<MemberId, RoomMember>;
type Side = "before" | "after";

/** The rows that each shard of a member has computed, in the order of the loads. */
const rowsOf = (room: Room, name: MemberId) =>
  room.get(name)!.shards.map(({ stepRows }) => stepRows.reduce((sum, count) => sum + count, 0));

/**
 * Stage `lost` leaves, and the stage before or after it also takes its layers: "before" these are the
 * layers before its own. Returns the stages that remain.
 */
async function extend(
  room: Room,
  stages: readonly Stage[],
  lost: number,
  side: Side,
  next: number,
) {
  const { member: gone, first, end } = stages[lost]!;
  await room.get(gone)!.host.setPipeline(gone, null);
  room.get(gone)!.leave();
  const at = side === "before" ? lost + 1 : lost - 1;
  const taker = stages[at]!;
  const extended = side === "before" ? { ...taker, first } : { ...taker, end };
  const remaining = stages.with(at, extended).toSpliced(lost, 1);
  const change = { placement: PlacementId.parse(next), stages: remaining };
  const pipeline = pipelineOver(STAGES, change);
  await loadCpuShard(room.get(taker.member)!.host, pipeline, first, end, side);
  for (const name of [...remaining.map((stage) => stage.member), requester])
    await room.get(name)!.host.setPipeline(name, pipeline);
  return remaining;
}

/** Loses stages one after another, each after some more tokens of the answer. */
async function answerOver(
  losses: readonly { readonly lost: number; readonly side: Side; readonly after: number }[],
  sampling: Partial<Sampling> = {},
  maxSavedBytes?: number,
) {
  const options = { stepMs: 1, ...(maxSavedBytes === undefined ? {} : { maxSavedBytes }) };
  const room = await cpuRoom(pipelineOver(STAGES), [requester], options);
  const { host, answers } = room.get(requester)!;
  const ask = { answer: "x", sampling };
  let stages = pipelineOver(STAGES).stages;
  let tokens: number[] = [];
  await host.ask(request(1, PROMPT, { ...ask, maxTokens: TOKENS }));
  for (const [index, { lost, side, after }] of losses.entries()) {
    const generation = index + 1;
    await answers.until(() => answers.tokensOf(generation).length >= after);
    const next = index + 2;
    stages = await extend(room, stages, lost, side, next);
    tokens = [...tokens, ...answers.tokensOf(generation)];
    const more = { resumes: true, maxTokens: TOKENS - tokens.length };
    const placement = PlacementId.parse(next);
    await host.ask(request(next, [...PROMPT, ...tokens], { ...ask, placement, ...more }));
  }
  const rest = await answers.finished(losses.length + 1);
  return { room, answer: [...tokens, ...rest], context: PROMPT.length + tokens.length, rest };
}

async function undisturbed(sampling: Partial<Sampling>): Promise<number[]> {
  const room = await cpuRoom(pipelineOver(STAGES), [requester]);
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT, { sampling, maxTokens: TOKENS }));
  return answers.finished(1);
}

describe.each<{ lost: number; side: Side }>([
  { lost: 0, side: "before" },
  { lost: 1, side: "before" },
  { lost: 1, side: "after" },
  { lost: 2, side: "after" },
])("stage $lost is lost, the layers go $side those of its neighbor", ({ lost, side }) => {
  test.each<[string, Partial<Sampling>]>([
    ["greedy", {}],
    ["sampled", { temperature: 1, seed: 7 }],
    ["with penalties", { repetitionPenalty: 1.5, penaltyTokens: 1000 }],
  ])("%s", async (_name, sampling) => {
    const { answer, room, context, rest } = await answerOver([{ lost, side, after: 6 }], sampling);
    expect(answer).toEqual(await undisturbed(sampling));
    const taker = STAGES[side === "before" ? lost + 1 : lost - 1]!;
    const [own, taken] = rowsOf(room, taker);
    // The new layers compute the context, and what follows; its own compute no row of the context again.
    expect(taken).toBeGreaterThanOrEqual(context + rest.length - 1);
    expect(own).toBeLessThanOrEqual(PROMPT.length + TOKENS + 2);
  });

  test("without space for the rows of answers", async () => {
    const { answer } = await answerOver([{ lost, side, after: 6 }], {}, 0);
    expect(answer).toEqual(await referenceAnswer(PROMPT, TOKENS));
  });
});

test.each<{ first: [number, Side]; second: [number, Side]; after: number }>([
  { first: [1, "after"], second: [1, "after"], after: 4 },
  { first: [1, "before"], second: [0, "before"], after: 4 },
  { first: [0, "before"], second: [1, "after"], after: 4 },
  { first: [2, "after"], second: [0, "before"], after: 0 },
  { first: [1, "after"], second: [0, "before"], after: 0 },
])("until one stage is left: $first, then $second after $after tokens", async (losses) => {
  const { first, second, after } = losses;
  const { answer } = await answerOver([
    { lost: first[0], side: first[1], after: 5 },
    { lost: second[0], side: second[1], after },
  ]);
  expect(answer).toEqual(await referenceAnswer(PROMPT, TOKENS));
});

test("several answers continue, each as it would be alone", async () => {
  const room = await cpuRoom(pipelineOver(STAGES), [requester], { stepMs: 1 });
  const { host, answers } = room.get(requester)!;
  const prompts = [PROMPT, PROMPT.slice(5), PROMPT.toReversed()];
  for (const [index, tokens] of prompts.entries())
    await host.ask(request(index + 1, tokens, { answer: `${index}`, maxTokens: TOKENS }));
  await answers.until(() => prompts.every((_, index) => answers.tokensOf(index + 1).length >= 3));
  await extend(room, pipelineOver(STAGES).stages, 1, "after", 2);
  const before = prompts.map((_, index) => answers.tokensOf(index + 1));
  for (const [index, tokens] of prompts.entries()) {
    const more = { answer: `${index}`, resumes: true, maxTokens: TOKENS - before[index]!.length };
    const placement = PlacementId.parse(2);
    await host.ask(request(index + 11, [...tokens, ...before[index]!], { placement, ...more }));
  }
  for (const [index, tokens] of prompts.entries()) {
    const answer = [...before[index]!, ...(await answers.finished(index + 11))];
    expect(answer).toEqual(await referenceAnswer(tokens, TOKENS));
  }
});
