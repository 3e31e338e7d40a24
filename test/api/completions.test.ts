/** The completion routes: OpenAI's formats, whole and streamed, and every refusal. */
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-argument, typescript/no-unsafe-return -- bodies are JSON of many shapes, and the expectations say which */
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_GENERATIONS_PER_MEMBER } from "../../src/cluster/coordinator/generation-request.ts";
import { referenceAnswer } from "../../tools/cpu/cpu-room.ts";
import { HALF } from "../../tools/room/test-data.ts";
import { codes } from "../../tools/room/test-host.ts";
import { until } from "../../tools/room/test-room.ts";
import { createRoutes } from "../../src/api/http/router.ts";
import { type ApiTestRoom, eventsOf, jsonOf, openApiRoom, request, textOf } from "./api-room.ts";

const CHAT = "/v1/chat/completions";
const TEXT = "/v1/completions";
const messages = [{ role: "user", content: "HI" }];
const asked = { model: "tiny", temperature: 0, max_tokens: 6 };

let room: ApiTestRoom;
beforeEach(async () => {
  room = await openApiRoom([HALF, HALF]);
});
afterEach(() => room.room.close());

async function expected(prompt: string, count: number) {
  const tokens = await referenceAnswer([...codes(prompt)], count);
  return { tokens, text: tokens.map((token) => String.fromCharCode(32 + token)).join("") };
}

describe("a whole answer", () => {
  test("chat: places the model that the server offers, waits, and responds in OpenAI's format", async () => {
    const truth = await expected("<user>HI", 6);
    const { status, body } = await jsonOf(
      request(room, "POST", CHAT, { body: { ...asked, messages, return_token_ids: true } }),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: "chat.completion",
      model: "tiny",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: truth.text },
          finish_reason: "length",
          logprobs: null,
          prompt_token_ids: [...codes("<user>HI")],
          token_ids: truth.tokens,
        },
      ],
      usage: { prompt_tokens: 8, completion_tokens: 6, total_tokens: 14 },
    });
    expect(body["id"]).toMatch(/^chatcmpl-/);
    expect(body["timings"]["stages"]).toHaveLength(2);
    expect(room.client.state.placement?.stages).toHaveLength(2);
  });

  test("a model's file name is accepted as its id, and keeps the placement", async () => {
    const placements = new Set<number | undefined>();
    for (const model of ["tiny.gguf", "tiny", "tiny.gguf"]) {
      const answer = await jsonOf(
        request(room, "POST", CHAT, { body: { ...asked, messages, model } }),
      );
      expect(answer).toMatchObject({ status: 200, body: { model: "tiny" } });
      placements.add(room.client.state.placement?.id);
      expect(
        await jsonOf(request(room, "POST", TEXT, { body: { ...asked, prompt: "A", model } })),
      ).toMatchObject({ status: 200, body: { model: "tiny" } });
    }
    expect(placements.size).toBe(1);
  });

  test("text: a string and its tokens give the same answer", async () => {
    const truth = await expected("ABC", 6);
    for (const prompt of ["ABC", [...codes("ABC")], ["ABC"], [[...codes("ABC")]]]) {
      const { body } = await jsonOf(request(room, "POST", TEXT, { body: { ...asked, prompt } }));
      expect(body["choices"][0]).toMatchObject({ text: truth.text, finish_reason: "length" });
      expect(body["object"]).toBe("text_completion");
    }
  });

  test("log-probabilities: the chosen token and the best others", async () => {
    const { body } = await jsonOf(
      request(room, "POST", CHAT, {
        body: { ...asked, messages, logprobs: true, top_logprobs: 3 },
      }),
    );
    const { content } = body["choices"][0].logprobs;
    expect(content).toHaveLength(6);
    for (const entry of content) {
      expect(entry.top_logprobs).toHaveLength(3);
      expect(entry.top_logprobs[0]).toEqual({
        token: entry.token,
        logprob: entry.logprob,
        bytes: entry.bytes,
      });
    }
  });

  test("text log-probabilities have the older format", async () => {
    const { body } = await jsonOf(
      request(room, "POST", TEXT, { body: { ...asked, prompt: "ABC", logprobs: 2 } }),
    );
    const { tokens, token_logprobs, top_logprobs, text_offset } = body["choices"][0].logprobs;
    expect(tokens.join("")).toBe(body["choices"][0].text);
    expect(token_logprobs).toHaveLength(6);
    expect(Object.keys(top_logprobs[0])).toHaveLength(2);
    expect(text_offset).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("a stop string ends the answer and is not part of it", async () => {
    const { text } = await expected("<user>HI", 6);
    const stop = text.slice(2, 4);
    const { body } = await jsonOf(
      request(room, "POST", CHAT, { body: { ...asked, messages, stop } }),
    );
    expect(body["choices"][0]).toMatchObject({
      message: { content: text.slice(0, text.indexOf(stop)) },
      finish_reason: "stop",
    });
    await room.room.until(({ generations }) => generations.length === 0, "the slot to be free");
  });

  test("the same seed gives the same answer, another seed a different one", async () => {
    const sampled = {
      ...asked,
      messages,
      temperature: 1,
      top_k: 0,
      top_p: 1,
      min_p: 0,
      max_tokens: 12,
    };
    const say = async (seed: number) => {
      const { body } = await jsonOf(request(room, "POST", CHAT, { body: { ...sampled, seed } }));
      return body["choices"][0].message.content as string;
    };
    const first = await say(7);
    expect(await say(7)).toBe(first);
    expect(await say(8)).not.toBe(first);
  });
});

describe("a streamed answer", () => {
  test("chat: role, pieces, finish, usage, [DONE]", async () => {
    const truth = await expected("<user>HI", 6);
    const response = await request(room, "POST", CHAT, {
      body: { ...asked, messages, stream: true, stream_options: { include_usage: true } },
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const events = await eventsOf(response);
    expect(events.at(-1)).toBe("[DONE]");
    expect(events[0]).toMatchObject({
      object: "chat.completion.chunk",
      choices: [{ delta: { role: "assistant", content: "" }, finish_reason: null }],
    });
    const chunks = events.slice(0, -1) as { choices: { delta: { content?: string } }[] }[];
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(truth.text);
    expect(events.at(-3)).toMatchObject({ choices: [{ delta: {}, finish_reason: "length" }] });
    expect(events.slice(0, -2).every(({ usage }) => usage === null)).toBe(true);
    expect(events.at(-2)).toMatchObject({ choices: [], usage: { total_tokens: 14 } });
    expect(new Set(chunks.map((chunk) => (chunk as unknown as { id: string }).id)).size).toBe(1);
  });

  test("text: pieces with token ids", async () => {
    const truth = await expected("ABC", 6);
    const events = await eventsOf(
      await request(room, "POST", TEXT, {
        body: { ...asked, prompt: "ABC", stream: true, return_token_ids: true },
      }),
    );
    const choices = events.slice(0, -1).map((chunk) => chunk.choices[0]);
    expect(choices[0].prompt_token_ids).toEqual([...codes("ABC")]);
    expect(choices.flatMap(({ token_ids }) => token_ids ?? [])).toEqual(truth.tokens);
    expect(choices.map(({ text }) => text).join("")).toBe(truth.text);
  });

  test("a client that disconnects ends the generation", async () => {
    const hangUp = new AbortController();
    const response = await request(room, "POST", CHAT, {
      body: { ...asked, messages, stream: true, max_tokens: 200 },
      signal: hangUp.signal,
    });
    let chunks = 0;
    for await (const chunk of textOf(response)) {
      if (chunk.includes("content") && ++chunks === 3) hangUp.abort();
    }
    await room.room.until(({ generations }) => generations.length === 0, "the generation to end");
    expect(chunks).toBeLessThan(100);
  });

  test("a failure in the middle is an error event, without [DONE]", async () => {
    const response = await request(room, "POST", CHAT, {
      body: { ...asked, messages, stream: true, max_tokens: 200 },
    });
    const said: string[] = [];
    for await (const chunk of textOf(response)) {
      said.push(chunk);
      if (said.length === 3) await room.client.dispatch({ type: "clear_placement" });
    }
    const last = JSON.parse(said.at(-1)?.slice(6) ?? "") as object;
    expect(last).toMatchObject({ error: { reason: { reason: "no_model_placed" } } });
    expect(said.join("")).not.toContain("[DONE]");
  });

  test("a loss in the middle is reported in comments, which the openai client ignores", async () => {
    const truth = await expected("<user>HI", 30);
    const { room: tabs, client } = room;
    let wire = "";
    const openai = new OpenAI({
      baseURL: "http://room/v1",
      apiKey: "none",
      maxRetries: 0,
      fetch: async (url, init) => {
        const response = await createRoutes(room).fetch(new Request(url, init));
        const [read, kept] = response.body!.tee();
        void (async () => {
          for await (const text of textOf(new Response(kept))) wire += text;
        })();
        return new Response(read, response);
      },
    });
    const stream = await openai.chat.completions.create({
      model: "tiny",
      temperature: 0,
      max_tokens: 30,
      messages: [{ role: "user", content: "HI" }],
      stream: true,
    });
    let text = "";
    let finish: string | null = null;
    let chunks = 0;
    const gone = client.state.placement!.stages[1]!.member;
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? "";
      finish = choices[0]?.finish_reason ?? finish;
      chunks += 1;
      if (chunks !== 4) continue;
      tabs.tabs.get(gone)!.crash();
      await until(() => /\n: .*more memory/.test(wire), "the room to say what is missing");
      await tabs.add("spare", { memoryBytes: HALF });
    }
    expect({ text, finish }).toEqual({ text: truth.text, finish: "length" });
    const lines = wire.split("\n").filter((line) => line !== "");
    expect(lines.filter((line) => !line.startsWith("data: ")).length).toBeGreaterThan(1);
    for (const line of lines) expect(line).toMatch(/^(data: |: )/);
  });
});

describe("refusals", () => {
  const unsupported = (feature: string, param = feature) => ({
    reason: "unsupported_value",
    feature,
    param,
  });
  const invalid = (param: string) => ({ reason: "invalid_value", param });
  test.each([
    ["not JSON", "{", 400, { reason: "invalid_json" }],
    ["no messages", { ...asked }, 400, invalid("messages")],
    ["empty messages", { ...asked, messages: [] }, 400, invalid("messages")],
    ["n = 2", { ...asked, messages, n: 2 }, 400, unsupported("n")],
    ["tools", { ...asked, messages, tools: [{}] }, 400, unsupported("tools")],
    ["functions", { ...asked, messages, functions: [{}] }, 400, unsupported("tools", "functions")],
    ["temperature", { ...asked, messages, temperature: -1 }, 400, invalid("temperature")],
    [
      "an image",
      { ...asked, messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      400,
      unsupported("content_type", "messages"),
    ],
    [
      "an unknown model",
      { ...asked, messages, model: "huge" },
      404,
      { reason: "model_not_found", model: "huge", known: ["tiny"] },
    ],
  ])("%s", async (_name, body, status, reason) => {
    const answer = await jsonOf(request(room, "POST", CHAT, { body }));
    expect(answer.status).toBe(status);
    const param = "param" in reason ? reason.param : null;
    expect(answer.body["error"]).toMatchObject({
      type: "invalid_request_error",
      code: reason.reason,
      param,
      reason,
    });
  });

  test("a prompt beyond the context", async () => {
    const long = [{ role: "user", content: "A".repeat(300) }];
    const answer = await jsonOf(
      request(room, "POST", CHAT, { body: { ...asked, messages: long } }),
    );
    expect(answer.status).toBe(400);
    expect(answer.body["error"]).toMatchObject({
      code: "context_length_exceeded",
      reason: { reason: "prompt_too_long", promptTokens: 306, contextTokens: 256 },
    });
  });

  test("429 while the room has as many answers of its API as it may", async () => {
    const stop = new AbortController();
    const long = { ...asked, messages, stream: true, max_tokens: 200 };
    const streams = await Promise.all(
      Array.from({ length: 4 }, () =>
        request(room, "POST", CHAT, { body: long, signal: stop.signal }),
      ),
    );
    const waiting = Array.from({ length: MAX_GENERATIONS_PER_MEMBER - streams.length }, () =>
      request(room, "POST", CHAT, { body: long, signal: stop.signal }),
    );
    await until(
      () => room.client.state.generations.length === MAX_GENERATIONS_PER_MEMBER,
      "all to be queued",
    );
    const answer = await request(room, "POST", CHAT, { body: { ...asked, messages } });
    stop.abort();
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect((await jsonOf(answer)).body["error"]).toMatchObject({
      code: "busy",
      reason: { reason: "too_many_generations" },
    });
    await Promise.all(waiting);
  });

  test("503 if no member computes or the model does not fit, with the missing bytes", async () => {
    for (const memory of [[], [2000]]) {
      const poor = await openApiRoom(memory);
      const answer = await jsonOf(request(poor, "POST", CHAT, { body: { ...asked, messages } }));
      poor.room.close();
      expect(answer.status).toBe(503);
      expect(answer.body["error"]).toMatchObject({ type: "server_error", code: "unavailable" });
      const kind = memory.length > 0 ? "infeasible" : "no_computing_member";
      expect(answer.body["error"]).toMatchObject({
        reason: { reason: "not_placed", refusal: { kind } },
      });
    }
  });

  test.each([
    ["POST", "/v1/nothing", 404, "unknown_route"],
    ["GET", CHAT, 405, "method_not_allowed"],
  ])("%s %s", async (method, path, status, code) => {
    const answer = await jsonOf(request(room, method, path));
    expect(answer.status).toBe(status);
    expect(answer.body["error"].code).toBe(code);
  });

  test.each([undefined, null, [], [-1], [["A", 1]]])("the prompt %j", async (prompt) => {
    const { status, body } = await jsonOf(
      request(room, "POST", TEXT, { body: { ...asked, prompt } }),
    );
    expect(status).toBe(400);
    expect(body["error"].reason).toMatchObject(invalid("prompt"));
    expect(body["error"].reason.detail).toContain("expected text");
  });

  test("an unknown route gets the known ones as people write them", async () => {
    const { body } = await jsonOf(request(room, "POST", "/v1/nothing"));
    expect(body["error"].reason.routes).toContain("/v1/models/:name");
  });
});
