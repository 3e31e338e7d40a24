/**
 * An answer that lost a stage continues token for token, and only the lost layers are computed again:
 * the other stages keep their caches, and the lost stage's neighbor the rows that it sent.
 */
import { describe, expect, test } from "vitest";
import type { MemberId } from "../../src/shared/ids.ts";
import { PlacementId } from "../../src/shared/ids.ts";
import type { Sampling } from "../../src/shared/sampling.ts";
import { SavedRows } from "../../src/stage/saved-rows.ts";
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
const spare = member("spare");
const requester = member("requester");
const PROMPT = Array.from({ length: 30 }, (_, index) => (index * 7) % 96);
const NEXT = PlacementId.parse(2);
const TOKENS = 20;

type Room = ReadonlyMap<MemberId, RoomMember>;

/** Rows that a member's shard has computed. */
const rowsOf = (room: Room, name: MemberId) =>
  room
    .get(name)!
    .shard()
    .stepRows.reduce((sum, count) => sum + count, 0);

/** The spare member takes the place of stage `lost` of a, b, c; everybody learns it. */
async function replace(room: Room, lost: number): Promise<readonly MemberId[]> {
  const gone = STAGES[lost]!;
  await room.get(gone)!.host.setPipeline(gone, null); // a tab that is gone sends nothing
  room.get(gone)!.leave();
  const members = STAGES.with(lost, spare);
  const pipeline = pipelineOver(members, { placement: NEXT });
  const { first, end } = pipeline.stages[lost]!;
  await loadCpuShard(room.get(spare)!.host, pipeline, first, end);
  for (const name of [...members, requester])
    await room.get(name)!.host.setPipeline(name, pipeline);
  return members;
}

/** Asks, loses stage `lost` after `after` tokens, and resumes. */
async function loseStage(
  lost: number,
  after: number,
  sampling: Partial<Sampling> = {},
  options: { maxSavedBytes?: number } = {},
) {
  const room = await cpuRoom(pipelineOver(STAGES), [spare, requester], { stepMs: 1, ...options });
  const { host, answers } = room.get(requester)!;
  const ask = { answer: "x", sampling };
  await host.ask(request(1, PROMPT, { ...ask, maxTokens: TOKENS }));
  const { shard } = room.get(STAGES[lost]!)!;
  if (after === 0) await untilComputed(shard);
  else await answers.until(() => answers.tokensOf(1).length >= after);
  const members = await replace(room, lost);
  const before = answers.tokensOf(1);
  const left = TOKENS - before.length;
  const start = new Map(members.map((name) => [name, rowsOf(room, name)]));
  const tokens = [...PROMPT, ...before];
  const more = { placement: NEXT, resumes: true, maxTokens: left };
  await host.ask(request(2, tokens, { ...ask, ...more }));
  const answer = [...before, ...(await answers.finished(2))];
  const rows = members.map((name) => rowsOf(room, name) - start.get(name)!);
  return { answer, rows, context: tokens.length, left };
}

/** Resolves in the middle of the prompt. */
async function untilComputed(shard: RoomMember["shard"]): Promise<void> {
  while (shard().stepRows.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function undisturbed(sampling: Partial<Sampling>): Promise<number[]> {
  const room = await cpuRoom(pipelineOver(STAGES), [requester]);
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT, { sampling, maxTokens: TOKENS }));
  return answers.finished(1);
}

describe.each([0, 1, 2])("stage %i is lost", (lost) => {
  test.each<[string, Partial<Sampling>]>([
    ["greedy", {}],
    ["sampled", { temperature: 1, seed: 7 }],
    ["with penalties", { repetitionPenalty: 1.5, penaltyTokens: 1000 }],
  ])("in the middle of an answer: %s", async (_name, sampling) => {
    const { answer, rows, context, left } = await loseStage(lost, 6, sampling);
    expect(answer).toEqual(await undisturbed(sampling));
    // Only the new holder computes the context again; the others one row per token that was missing.
    rows.forEach((count, stage) => {
      if (stage === lost) expect(count).toBeGreaterThanOrEqual(context);
      else expect(count).toBeLessThanOrEqual(left);
    });
  });

  test("in the middle of the prompt", async () => {
    const { answer } = await loseStage(lost, 0);
    expect(answer).toEqual(await referenceAnswer(PROMPT, TOKENS));
  });
});

test("without space for the rows, the stages before the lost one compute them again", async () => {
  const { answer, rows, context } = await loseStage(2, 6, {}, { maxSavedBytes: 0 });
  expect(answer).toEqual(await referenceAnswer(PROMPT, TOKENS));
  expect(rows.every((count) => count >= context)).toBe(true);
});

test("with space for a part of the rows, only the rest is computed again", async () => {
  const rowsBytes = 64 * 24 * 4; // the first 64 rows of each of three answers; the context has more
  const long = Array.from({ length: 70 }, (_, index) => (index * 5) % 96);
  const options = { stepMs: 1, maxSavedBytes: 3 * rowsBytes };
  const room = await cpuRoom(pipelineOver(STAGES), [spare, requester], options);
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, long, { answer: "x", maxTokens: TOKENS }));
  await answers.until(() => answers.tokensOf(1).length >= 3);
  await replace(room, 2);
  const before = answers.tokensOf(1);
  const start = rowsOf(room, STAGES[0]!);
  const more = { placement: NEXT, resumes: true, maxTokens: TOKENS - before.length };
  await host.ask(request(2, [...long, ...before], { answer: "x", ...more }));
  expect([...before, ...(await answers.finished(2))]).toEqual(await referenceAnswer(long, TOKENS));
  expect(rowsOf(room, STAGES[0]!) - start).toBeLessThan(long.length);
});

test("answers that others interrupted, or of other requesters, are not mixed up", async () => {
  const room = await cpuRoom(pipelineOver(STAGES), [spare, requester], { stepMs: 1 });
  const { host, answers } = room.get(requester)!;
  const prompts = [PROMPT, PROMPT.slice(5), PROMPT.toReversed()];
  for (const [index, tokens] of prompts.entries())
    await host.ask(request(index + 1, tokens, { answer: `${index}`, maxTokens: TOKENS }));
  await answers.until(() => prompts.every((_, index) => answers.tokensOf(index + 1).length >= 3));
  await replace(room, 1);
  // Another member's answer of the same name takes the slot of one that was interrupted.
  const other = room.get(STAGES[0]!)!;
  const fresh = { placement: NEXT, answer: "0", maxTokens: 5 };
  await other.host.ask(request(9, prompts[0]!, { ...fresh, resumes: true }));
  expect(await other.answers.finished(9)).toEqual(await referenceAnswer(prompts[0]!, 5));
  for (const [index, tokens] of prompts.entries()) {
    const before = answers.tokensOf(index + 1);
    const more = { answer: `${index}`, resumes: true, maxTokens: TOKENS - before.length };
    await host.ask(request(index + 11, [...tokens, ...before], { placement: NEXT, ...more }));
    const answer = [...before, ...(await answers.finished(index + 11))];
    expect(answer).toEqual(await referenceAnswer(tokens, TOKENS));
  }
});

test("rows are kept without a gap, up to the limit", () => {
  const rows = new SavedRows(90 * 4 * 2);
  const row = (value: number) => Float32Array.of(value, value);
  rows.add(0, 2, row(1));
  rows.add(2, 2, row(3)); // position 1 is missing
  expect(rows.end).toBe(1);
  rows.add(1, 2, row(2));
  expect([...rows.read(0, 2)]).toEqual([1, 1, 2, 2]);
  for (let position = 2; position < 100; position += 1) rows.add(position, 2, row(position));
  expect(rows.end).toBe(90);
  expect(() => rows.read(0, 91)).toThrow(RangeError);
  rows.add(10, 2, row(5));
  expect(rows.end).toBe(11);
});
