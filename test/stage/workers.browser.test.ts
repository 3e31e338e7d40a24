/**
 * Stages in real workers, joined by real data channels that were made on PeerJS
 * connections and transferred: no main thread between them.
 */
import { afterEach, expect, inject, test } from "vitest";
import { pipelineOver, referenceAnswer, request } from "../../tools/cpu/cpu-room.ts";
import { startPipeline, workerMember, type WorkerMember } from "../../tools/cpu/cpu-workers.ts";
import { PROMPT } from "./samples.ts";

const server = `http://localhost:${inject("signalingPort")}`;

const open: WorkerMember[] = [];
afterEach(() => open.splice(0).forEach((member) => member.close()));

async function room(stages: number): Promise<[WorkerMember, ...WorkerMember[]]> {
  const members = await Promise.all(Array.from({ length: stages + 1 }, () => workerMember(server)));
  open.push(...members);
  const [requester, ...staged] = members as [WorkerMember, ...WorkerMember[]];
  await startPipeline(members, pipelineOver(staged.map(({ id }) => id)));
  return [requester, ...staged];
}

test.each([1, 2, 3])("%i stages answer as one shard does", async (stages) => {
  const [{ stage, answers }, ...staged] = await room(stages);
  const prompts = [PROMPT, [5, 6, 7]];
  await Promise.all(prompts.map((tokens, index) => stage.ask(request(index + 1, tokens))));
  for (const [index, tokens] of prompts.entries())
    expect(await answers.finished(index + 1)).toEqual(await referenceAnswer(tokens, 12));
  const last = answers.events.at(-1)!;
  expect(last.hopMs).toHaveLength(stages);
  expect(last.computeMs.every((ms) => ms > 0)).toBe(true);
  expect((await staged[0]!.stage.sample()).rows).toBe(30 + 3 + 22);
});

test("a link is measured with the payload of a lap", async () => {
  const [requester, member] = await room(1);
  const { roundTripMs, bytesPerMs } = await requester.stage.measureLink(member!.id, 2304);
  expect(roundTripMs).toBeGreaterThan(0);
  expect(bytesPerMs).toBeGreaterThan(0);
  expect(Number.isFinite(bytesPerMs)).toBe(true);
});

test("a stage whose tab closes ends the answer", async () => {
  const [{ stage, answers }, ...staged] = await room(2);
  await stage.ask(request(1, PROMPT, { maxTokens: 200 }));
  await answers.until(() => answers.events.length >= 2);
  staged[1]!.transport.close();
  await expect(answers.finished(1)).rejects.toMatchObject({
    failure: { reason: "stage_lost", member: staged[1]!.id },
  });
});
