/** A pipeline over members in memory gives the answers of one shard that holds all layers. */
import { describe, expect, test } from "vitest";
import { GREEDY } from "../../src/shared/sampling.ts";
import { GenerationId, PlacementId } from "../../src/shared/ids.ts";
import {
  cpuRoom,
  loadCpuShard,
  pipelineOver,
  referenceAnswer,
  request,
} from "../../tools/cpu/cpu-room.ts";
import { a, b, c, PROMPT, requester } from "./samples.ts";

describe.each([
  { stages: [a], from: a },
  { stages: [a], from: requester },
  { stages: [a, b], from: a },
  { stages: [b, a], from: requester },
  { stages: [a, b, c], from: requester },
  { stages: [c, a, b], from: b },
])("stages $stages asked by $from", ({ stages, from }) => {
  test("the answer is that of one shard", async () => {
    const room = await cpuRoom(pipelineOver(stages), [from]);
    const { host, answers } = room.get(from)!;
    await host.ask(request(1, PROMPT));
    expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
    const last = answers.events.at(-1)!;
    expect(answers.events.map(({ position }) => position)).toEqual(
      Array.from({ length: 12 }, (_, index) => 30 + index),
    );
    expect(last.finish).toBe("length");
    expect(last.computeMs).toHaveLength(stages.length);
    expect(last.hopMs).toHaveLength(stages.length);
    expect(answers.failures).toEqual([]);
  });

  test("answers together are the answers alone, and share steps", async () => {
    const room = await cpuRoom(pipelineOver(stages), [from], { stepMs: 2 });
    const { host, answers } = room.get(from)!;
    const prompts = [PROMPT, PROMPT.slice(3), [5], PROMPT.toReversed(), [9, 8, 7, 6]];
    await Promise.all(prompts.map((tokens, index) => host.ask(request(index + 1, tokens))));
    for (const [index, tokens] of prompts.entries())
      expect(await answers.finished(index + 1)).toEqual(await referenceAnswer(tokens, 12));
    const { steps } = room.get(stages[0]!)!.shard().counters();
    const rows = prompts.reduce((sum, tokens) => sum + tokens.length + 11, 0);
    expect(
      room
        .get(stages[0]!)!
        .shard()
        .stepRows.reduce((sum, count) => sum + count),
    ).toBe(rows);
    expect(steps).toBeLessThan(rows / 2);
  });
});

test("stages encode the next step while no row waits, after each token", async () => {
  const room = await cpuRoom(pipelineOver([a, b, c]), []);
  const { host, answers } = room.get(a)!;
  await host.ask(request(1, PROMPT));
  await answers.finished(1);
  for (const name of [a, b, c]) {
    const shard = room.get(name)!.shard();
    const steps = shard.stepRows.length;
    const decodes = Array.from({ length: 11 }, (_, index) => steps - 10 + index);
    await expect.poll(() => shard.encodedAhead.slice(-11)).toEqual(decodes);
  }
});

test("a prompt is read in chunks, and the second stage starts before the first has ended", async () => {
  const room = await cpuRoom(pipelineOver([a, b]), [], { stepMs: 1 });
  const { host, answers, shard } = room.get(a)!;
  const started: string[] = [];
  for (const name of [a, b]) {
    const { shard } = room.get(name)!;
    const step = shard().step.bind(shard());
    shard().step = (...input) => {
      started.push(name);
      return step(...input);
    };
  }
  const long = Array.from({ length: 80 }, (_, index) => index % 96);
  await host.ask(request(1, long, { maxTokens: 1 }));
  await answers.finished(1);
  expect(shard().stepRows).toEqual(Array.from({ length: 10 }, () => 8));
  expect(started.indexOf(b)).toBeLessThan(started.lastIndexOf(a));
  const count = (steps: string[], name: string) => steps.filter((other) => other === name).length;
  const ahead = started.map((_, index) => {
    const steps = started.slice(0, index + 1);
    return count(steps, a) - count(steps, b);
  });
  expect(Math.max(...ahead)).toBeLessThanOrEqual(3);
});

test("an answer continues while a long prompt is read", async () => {
  const room = await cpuRoom(pipelineOver([a, b]), [], { stepMs: 1 });
  const { host, answers } = room.get(a)!;
  await host.ask(request(1, [1, 2, 3], { maxTokens: 30 }));
  await answers.until(() => answers.tokensOf(1).length === 1);
  await host.ask(
    request(
      2,
      Array.from({ length: 200 }, () => 4),
      { maxTokens: 1 },
    ),
  );
  await answers.finished(2);
  expect(answers.tokensOf(1).length).toBeGreaterThan(20);
});

test("an end token, the requested length, and a full context each end an answer", async () => {
  const pipeline = pipelineOver([a, b], { contextTokens: 34 });
  const { host, answers } = (await cpuRoom(pipeline)).get(a)!;
  const truth = await referenceAnswer(PROMPT, 5);
  await host.ask(request(1, PROMPT, { endTokens: [truth[2]!] }));
  const stopAt = truth.indexOf(truth[2]!) + 1;
  expect(await answers.finished(1)).toEqual(truth.slice(0, stopAt));
  expect(answers.events.at(-1)!.finish).toBe("stop");
  await host.ask(request(2, PROMPT, { maxTokens: 2 }));
  expect(await answers.finished(2)).toEqual(truth.slice(0, 2));
  await host.ask(request(3, PROMPT));
  expect(await answers.finished(3)).toEqual(truth); // positions 30 to 34; 34 is past the cache
  expect(answers.events.at(-1)).toMatchObject({ finish: "length", position: 34 });
  await expect(host.ask(request(4, [...PROMPT, 1, 2, 3, 4, 5]))).rejects.toMatchObject({
    failure: { reason: "prompt_too_long", promptTokens: 35, contextTokens: 34 },
  });
});

test("a seed repeats an answer, another seed does not; penalties see the prompt", async () => {
  const { host, answers } = (await cpuRoom(pipelineOver([a, b]))).get(a)!;
  const ask = async (generation: number, seed: number) => {
    await host.ask(request(generation, PROMPT, { sampling: { temperature: 1, seed } }));
    return answers.finished(generation);
  };
  const first = await ask(1, 7);
  expect(await ask(2, 7)).toEqual(first);
  expect(await ask(3, 8)).not.toEqual(first);
  const sampling = { ...GREEDY, repetitionPenalty: 1.5, penaltyTokens: 1000, topLogprobs: 3 };
  await host.ask(request(4, PROMPT, { sampling }));
  const tokens = await answers.finished(4);
  expect(new Set([...PROMPT, ...tokens]).size).toBe(new Set(PROMPT).size + tokens.length);
  expect(answers.events.at(-1)!.top).toHaveLength(3);
});

test("a cancelled answer frees its slots on every stage", async () => {
  const pipeline = pipelineOver([a, b, c], { generationSlots: 1 });
  const { host, answers } = (await cpuRoom(pipeline, [requester], { stepMs: 1 })).get(requester)!;
  for (let generation = 1; generation <= 4; generation += 1) {
    await host.ask(request(generation, PROMPT, { maxTokens: 200 }));
    await answers.until(() => answers.tokensOf(generation).length >= 2);
    await host.cancel(GenerationId.parse(generation));
  }
  await host.ask(request(5, PROMPT));
  expect(await answers.finished(5)).toEqual(await referenceAnswer(PROMPT, 12));
  expect(answers.failures).toEqual([]);
});

test.each([a, b, c])("when %s leaves, the requester gets a failure", async (leaver) => {
  const room = await cpuRoom(pipelineOver([a, b, c]), [requester], { stepMs: 1 });
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT, { maxTokens: 200 }));
  await answers.until(() => answers.events.length >= 2);
  await room.get(leaver)!.host.setPipeline(leaver, null); // a tab that is gone sends nothing
  room.get(leaver)!.leave();
  await expect(answers.finished(1)).rejects.toMatchObject({
    failure: { reason: "stage_lost", member: leaver },
  });
});

test("an engine's error fails the answer, and the shard computes nothing more until it is loaded again", async () => {
  const pipeline = pipelineOver([a, b]);
  const room = await cpuRoom(pipeline, [requester]);
  const { host, answers } = room.get(requester)!;
  room.get(b)!.shard().step = () => Promise.reject(new Error("out of memory at binding 3"));
  await host.ask(request(1, PROMPT));
  await expect(answers.finished(1)).rejects.toMatchObject({
    failure: {
      reason: "step_failed",
      cause: { reason: "unexpected", detail: "out of memory at binding 3" },
    },
  });
  expect(room.get(b)!.answers.deviceErrors[0]).toEqual({
    reason: "unexpected",
    detail: "out of memory at binding 3",
  });
  await host.ask(request(2, PROMPT));
  await expect(answers.finished(2)).rejects.toMatchObject({
    failure: { reason: "layers_not_loaded" },
  });
  await loadCpuShard(room.get(b)!.host, pipeline, 3, 6);
  await host.ask(request(3, PROMPT));
  expect(await answers.finished(3)).toEqual(await referenceAnswer(PROMPT, 12));
  expect(room.get(b)!.answers.deviceErrors).toHaveLength(1);
});

test("another placement ends what is in flight; frames of the old one are refused", async () => {
  const room = await cpuRoom(pipelineOver([a, b]), [requester], { stepMs: 1 });
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT, { maxTokens: 200 }));
  await answers.until(() => answers.events.length >= 2);
  const placement = PlacementId.parse(2);
  const next = pipelineOver([a, b], { placement });
  for (const name of [a, b]) await room.get(name)!.host.setPipeline(name, next);
  // The requester does not know it yet: its prompt belongs to the old placement.
  await host.ask(request(2, PROMPT));
  await expect(answers.finished(2)).rejects.toMatchObject({
    failure: { reason: "layers_not_loaded" },
  });
  await host.setPipeline(requester, next);
  const changed = { failure: { reason: "placement_changed" } };
  await expect(answers.finished(1)).rejects.toMatchObject(changed);
  await expect(host.ask(request(3, PROMPT))).rejects.toMatchObject(changed);
  await host.ask(request(4, PROMPT, { placement }));
  expect(await answers.finished(4)).toEqual(await referenceAnswer(PROMPT, 12));
});

test("a prompt that arrives before the stage knows its placement waits for it", async () => {
  const pipeline = pipelineOver([a, b]);
  const room = await cpuRoom(pipeline, [requester]);
  const next = pipelineOver([a, b], { placement: PlacementId.parse(2) });
  const { host, answers } = room.get(requester)!;
  await host.setPipeline(requester, next);
  await host.ask(request(1, PROMPT, { placement: next.placement }));
  for (const name of [b, a]) await room.get(name)!.host.setPipeline(name, next);
  expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
});

describe("a shard of all layers runs ahead of the tokens that are read", () => {
  test("the answers are the same, also of several generations and of sampled ones", async () => {
    const room = await cpuRoom(pipelineOver([a]), [requester]);
    const { host, answers } = room.get(requester)!;
    const sampling = { temperature: 1, seed: 7 };
    await host.ask(request(1, PROMPT, { maxTokens: 40, sampling }));
    await host.ask(request(2, PROMPT.slice(3), { maxTokens: 40 }));
    const sampled = await answers.finished(1);
    expect(await answers.finished(2)).toEqual(await referenceAnswer(PROMPT.slice(3), 40));
    expect(room.get(a)!.shard().mostRunning).toBeGreaterThan(1);
    expect(room.get(a)!.shard().mostRunning).toBeLessThanOrEqual(4);
    // Two stages never run ahead.
    const split = (await cpuRoom(pipelineOver([a, b]), [requester])).get(requester)!;
    await split.host.ask(request(1, PROMPT, { maxTokens: 40, sampling }));
    expect(await split.answers.finished(1)).toEqual(sampled);
  });

  test("a row does not wait for the earlier steps of its own answer", async () => {
    const room = await cpuRoom(pipelineOver([a]), [], { stepMs: 2 });
    const { host, answers, shard } = room.get(a)!;
    await host.ask(request(1, PROMPT, { maxTokens: 40 }));
    await answers.finished(1);
    expect(shard().mostRunning).toBeGreaterThan(1);
    const laps = answers.events.slice(1);
    const sum = (part: "computeMs" | "hopMs") =>
      laps.reduce((total, lap) => total + lap[part][0]!, 0);
    expect(sum("hopMs")).toBeLessThan(sum("computeMs"));
  });

  test("fewer steps are in flight once they are slow", async () => {
    const room = await cpuRoom(pipelineOver([a]), []);
    const { host, answers, shard } = room.get(a)!;
    await host.ask(request(1, PROMPT, { maxTokens: 200 }));
    await answers.until(() => shard().running > 1);
    shard().stepMs = 50;
    await answers.until(() => shard().running <= 1);
    expect(answers.tokensOf(1).length).toBeLessThan(150);
    await host.cancel(GenerationId.parse(1));
  });

  test("no token past an end token is shown, and its slot serves the next answer", async () => {
    const pipeline = pipelineOver([a], { generationSlots: 1 });
    const room = await cpuRoom(pipeline, [requester]);
    const { host, answers } = room.get(requester)!;
    const truth = await referenceAnswer(PROMPT, 30);
    const end = truth.findIndex((token, index) => index > 15 && truth.indexOf(token) === index);
    const endTokens = [truth[end]!];
    await host.ask(request(1, PROMPT, { maxTokens: 200, endTokens }));
    await host.ask(request(2, PROMPT.slice(3), { maxTokens: 30 }));
    expect(await answers.finished(1)).toEqual(truth.slice(0, end + 1));
    expect(await answers.finished(2)).toEqual(await referenceAnswer(PROMPT.slice(3), 30));
    await host.ask(request(3, PROMPT, { maxTokens: 200 }));
    await answers.until(() => answers.tokensOf(3).length >= 20);
    await host.cancel(GenerationId.parse(3));
    await host.ask(request(4, PROMPT, { maxTokens: 30 }));
    expect(await answers.finished(4)).toEqual(truth);
    expect(answers.failures).toEqual([]);
  });

  test("penalties need every token: nothing runs ahead, and no token is computed in vain", async () => {
    const room = await cpuRoom(pipelineOver([a]), []);
    const { host, answers, shard } = room.get(a)!;
    const sampling = { ...GREEDY, repetitionPenalty: 1.5, penaltyTokens: 1000 };
    await host.ask(request(1, PROMPT, { maxTokens: 20, sampling }));
    const tokens = await answers.finished(1);
    expect(new Set([...PROMPT, ...tokens]).size).toBe(new Set(PROMPT).size + tokens.length);
    expect(shard().stepRows.slice(-19)).toEqual(Array.from({ length: 19 }, () => 1));
  });

  test("an error in a step ends what is in flight, once", async () => {
    const room = await cpuRoom(pipelineOver([a]), [requester]);
    const { host, answers } = room.get(requester)!;
    await host.ask(request(1, PROMPT, { maxTokens: 200 }));
    await answers.until(() => answers.tokensOf(1).length >= 5);
    room.get(a)!.shard().step = () => Promise.reject(new Error("out of memory at binding 3"));
    await expect(answers.finished(1)).rejects.toMatchObject({
      failure: { reason: "step_failed" },
    });
    await loadCpuShard(room.get(a)!.host, pipelineOver([a]), 0, 6);
    await host.ask(request(2, PROMPT));
    expect(await answers.finished(2)).toEqual(await referenceAnswer(PROMPT, 12));
    expect(answers.failures).toHaveLength(1);
  });
});

test("a sample covers the time since the previous one", async () => {
  const room = await cpuRoom(pipelineOver([a, b]), [], { stepMs: 2 });
  const { host, answers } = room.get(a)!;
  await host.ask(request(1, PROMPT));
  await answers.finished(1);
  const sample = await host.sample();
  expect(sample).toMatchObject({ rows: 41, memoryUsedBytes: 1230 });
  expect(sample.stepMs).toBeGreaterThan(0);
  expect(sample.busyFraction).toBeGreaterThan(0);
  expect(sample.tokensPerSecond).toBeGreaterThan(0);
  expect(await host.sample()).toMatchObject({ rows: 0, stepMs: null });
});
