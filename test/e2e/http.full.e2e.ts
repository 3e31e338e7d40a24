/**
 * The HTTP API as other programs use it: the `openai` client and plain fetches against the real
 * server, answered by a model in a real tab.
 */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  openE2eServer,
  openRoom,
  LAYERS,
  MODEL,
  type TestRoom,
} from "../../tools/room/e2e-room.ts";

let room: TestRoom;
let client: OpenAI;

/** Its answer is longer than any limit below, however near-ties are decided. */
const QUESTION = [
  { role: "user" as const, content: "Write a long story about a lighthouse keeper and the sea." },
];

beforeAll(async () => {
  room = await openRoom("HTTPRM", ["chromium"]);
  client = new OpenAI({ baseURL: `${room.api.server}/v1`, apiKey: "none", maxRetries: 0 });
});

afterAll(async () => {
  await room.close();
  expect(room.errors, "errors in the tabs' consoles").toEqual([]);
});

describe("the room before a model is placed", () => {
  test("offers the model by its id", async () => {
    const names = (await client.models.list()).data.map(({ id }) => id);
    expect(names).toContain(MODEL);
    expect(await client.models.retrieve(MODEL)).toMatchObject({ id: MODEL, object: "model" });
  });

  test("shows its state and its one member", async () => {
    const { members, coordinator, placement } = await room.api.state();
    expect(members.map(({ id }) => id)).toEqual([coordinator]);
    expect(members[0]?.measurements?.matVecMacsPerMs).toBeGreaterThan(0);
    expect(placement).toBeNull();
    const topology = await room.api.get<{
      nodes: { id: string; layers: unknown }[];
      edges: unknown[];
      heterogeneous: boolean;
    }>("/api/topology/gpu");
    expect(topology).toMatchObject({ edges: [], heterogeneous: false });
    expect(topology.nodes).toMatchObject([{ id: coordinator, layers: null }]);
  });

  test("previews placements with times and memory", async () => {
    type Candidate = {
      feasible: boolean;
      predictedMsPerToken: number | null;
      stages: { first: number; end: number; usedBytes: number }[];
    };
    const { candidates } = await room.api.get<{ candidates: Candidate[] }>(
      `/api/placements/preview?model=${MODEL}`,
    );
    const possible = candidates.filter(({ feasible }) => feasible);
    expect(possible.length).toBeGreaterThan(0);
    for (const { predictedMsPerToken, stages } of possible) {
      expect(predictedMsPerToken).toBeGreaterThan(0);
      expect(stages).toMatchObject([{ first: 0, end: LAYERS }]);
      // The file's bytes, and the cache beside them.
      expect(stages[0]!.usedBytes).toBeGreaterThan(90e6);
    }
  });
});

describe("a question", () => {
  test("places the model that it names, and is answered in pieces", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: QUESTION,
      temperature: 0,
      max_tokens: 16,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let pieces = 0;
    let last: unknown = null;
    for await (const chunk of stream) {
      const content = chunk.choices[0]?.delta.content ?? "";
      if (content !== "") pieces += 1;
      text += content;
      last = chunk;
    }
    expect(text.length).toBeGreaterThan(16);
    expect(pieces).toBeGreaterThan(8);
    const { timings, usage } = last as {
      usage: { prompt_tokens: number; completion_tokens: number };
      timings: { stages: { compute_ms: number; hop_ms: number }[] };
    };
    expect(usage.completion_tokens).toBe(16);
    expect(usage.prompt_tokens).toBeGreaterThan(16);
    expect(timings.stages).toHaveLength(1);
    expect(timings.stages[0]!.compute_ms).toBeGreaterThan(0);
  });

  test("has the same answer whole as in pieces", async () => {
    const ask = { model: MODEL, messages: QUESTION, temperature: 0, max_tokens: 12 };
    const whole = await client.chat.completions.create(ask);
    let text = "";
    for await (const { choices } of await client.chat.completions.create({
      ...ask,
      stream: true,
    })) {
      text += choices[0]?.delta.content ?? "";
    }
    expect(whole.choices[0]!.message).toMatchObject({ role: "assistant", content: text });
    expect(whole.choices[0]!.finish_reason).toBe("length");
    expect(whole.usage).toMatchObject({ completion_tokens: 12 });
    expect(whole.model).toBe(MODEL);
  });

  test("ends before a stop text, which is not part of the answer", async () => {
    const { choices } = await client.completions.create({
      model: MODEL,
      prompt: "The capital of France is",
      temperature: 0,
      max_tokens: 16,
      stop: ["."],
    });
    expect(choices[0]).toMatchObject({ text: " Paris", finish_reason: "stop" });
  });

  test("comes with the probabilities of its tokens", async () => {
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      messages: QUESTION,
      temperature: 0,
      max_tokens: 4,
      logprobs: true,
      top_logprobs: 3,
    });
    const { content } = choices[0]!.logprobs!;
    expect(content).toHaveLength(4);
    for (const { token, logprob, top_logprobs } of content!) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top_logprobs).toHaveLength(3);
      // Greedy: the chosen token is the most probable one.
      expect(top_logprobs[0]).toMatchObject({ token, logprob });
      expect(top_logprobs[1]!.logprob).toBeLessThanOrEqual(logprob);
    }
    expect(content!.map(({ token }) => token).join("")).toBe(choices[0]!.message.content);
  });

  test("gets the same answer for the same seed, and a different one for another seed", async () => {
    const ask = (seed: number) =>
      client.completions.create({
        model: MODEL,
        prompt: "Once upon a time",
        temperature: 1.2,
        max_tokens: 12,
        seed,
      });
    const texts = [];
    for (const seed of [7, 7, 8]) texts.push((await ask(seed)).choices[0]!.text);
    expect(texts[1]).toBe(texts[0]);
    expect(texts[2]).not.toBe(texts[0]);
  });

  test("is answered beside others, each as it would be alone", async () => {
    const prompts = ["The capital of France is", "2 + 2 =", "Once upon a time"];
    const ask = async (prompt: string) => {
      const { choices } = await client.completions.create({
        model: MODEL,
        prompt,
        temperature: 0,
        max_tokens: 8,
      });
      return choices[0]!.text;
    };
    const together = await Promise.all(prompts.map(ask));
    expect(together[0]).toMatch(/^ Paris/);
    const alone = [];
    for (const prompt of prompts) alone.push(await ask(prompt));
    expect(together).toEqual(alone);
  });

  test("that its client cancels stops, and frees the room", async () => {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      { model: MODEL, messages: QUESTION, temperature: 1, max_tokens: 500, stream: true },
      { signal: controller.signal },
    );
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break;
    }
    controller.abort();
    await room.api.waitFor("no generation in flight", 30_000, ({ generations }) => {
      return generations.length === 0;
    });
  });
});

describe("errors have OpenAI's form", () => {
  test("an unknown model is a 404 that names it and what there is", async () => {
    const missing = client.chat.completions.create({ model: "no-such-model", messages: QUESTION });
    await expect(missing).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    await expect(missing).rejects.toMatchObject({
      error: {
        reason: { model: "no-such-model", known: expect.arrayContaining([MODEL]) as unknown },
      },
    });
  });

  test.each([
    ["no messages", { model: MODEL, messages: [] }, "messages"],
    ["a temperature below 0", { model: MODEL, messages: QUESTION, temperature: -1 }, "temperature"],
    ["tools", { model: MODEL, messages: QUESTION, tools: [{ type: "function" }] }, "tools"],
  ])("%s: a 400 that names the field", async (_what, body, param) => {
    const response = await room.api.fetch("/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: Record<string, string> };
    expect(error).toMatchObject({ type: "invalid_request_error", param });
    expect(error["message"]!.length).toBeGreaterThan(8);
  });

  test.each([
    [
      "an unknown member",
      [{ member: "nobody", first: 0, end: LAYERS }],
      { kind: "unknown_member", member: "nobody" },
    ],
    [
      "layers that no stage has",
      [{ first: 0, end: 12 }],
      { kind: "wrong_layer_count", end: 12, layers: LAYERS },
    ],
    [
      "layers that the model does not have",
      [{ first: 0, end: 99 }],
      { kind: "wrong_layer_count", end: 99, layers: LAYERS },
    ],
  ])("a placement with %s is a 400 with the reason", async (_what, stages, violation) => {
    const [member] = (await room.api.state()).members;
    const response = await room.api.fetch("/api/placements", {
      method: "POST",
      body: JSON.stringify({
        model: MODEL,
        stages: stages.map((stage) => ({ member: member!.id, ...stage })),
      }),
    });
    expect(response.status).toBe(400);
    const reason = { reason: "stages_invalid", violation };
    expect(await response.json()).toMatchObject({ error: { reason } });
    // The previous placement still answers.
    expect((await room.api.state()).placement).toMatchObject({ ready: true, error: null });
  });

  test("an unknown room is a 503 with a reason", async () => {
    const { status, body } = await modelsOf(`${room.api.server}/v1/models?room=AAAAAA`);
    expect(status).toBe(503);
    expect(body.error).toMatchObject({ code: "no_such_room", type: "server_error" });
    expect(body.error.reason).toMatchObject({ room: "AAAAAA" });
  });

  test("a server without any room is a 503 with a reason", async () => {
    const empty = await openE2eServer();
    try {
      const { status, body } = await modelsOf(`${empty.addresses[0]!}/v1/models`);
      expect(status).toBe(503);
      expect(body.error).toMatchObject({ code: "no_room", type: "server_error" });
    } finally {
      await empty.close();
    }
  });
});

test("events come from the first one on, then as they happen", async () => {
  const controller = new AbortController();
  const response = await room.api.fetch("/api/events?after=-1", { signal: controller.signal });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (wanted: RegExp) => {
    while (!wanted.test(text)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the events ended before ${wanted.source}`);
      text += value;
    }
  };
  await readUntil(/event: placement_readied/);
  expect(text).toMatch(/^(id: -?\d+\n)?event: (snapshot|coordinator_changed|member_joined)\n/);
  await client.completions.create({ model: MODEL, prompt: "Hello", max_tokens: 1 });
  await readUntil(/event: generation_ended\ndata: .*"done"/);
  controller.abort();
});

async function modelsOf(url: string) {
  const response = await fetch(url);
  const body = (await response.json()) as {
    error: { code: string; type: string; reason: Record<string, unknown> | null };
  };
  return { status: response.status, body };
}
