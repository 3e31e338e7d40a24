/**
 * The whole path: the real server, the built page in two Chromium processes and a
 * Firefox, a model over all three, asked over HTTP.
 */
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openServer, type RunningServer } from "../../server/server.ts";
import { firstNearTie, GOLDENS, type Golden } from "../engine/support/goldens.ts";
import { RoomApi, type ApiStage } from "./room-api.ts";
import { openChromiumTab, openFirefoxTab, type Tab } from "./tabs.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const ROOM = "TESTRM";
const MODEL = "SmolLM2-135M-Instruct.Q4_1";
const LAYERS = 30;
const JOIN_TIMEOUT_MS = 180_000;

let server: RunningServer;
let api: RoomApi;
let client: OpenAI;
const tabs: Tab[] = [];
const errors: string[] = [];

beforeAll(async () => {
  server = await openServer({
    port: 0,
    page: join(ROOT, "dist"),
    models: join(ROOT, "models"),
    lanCertificate: null,
  });
  const address = server.addresses[0]!;
  api = new RoomApi(address, ROOM);
  client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "none", maxRetries: 0 });
  const options = {
    url: `${address}/?room=${ROOM.toLowerCase()}&join`,
    onError: (line: string) => errors.push(line),
  };
  tabs.push(await openChromiumTab(options));
  await api.waitForMembers(1, JOIN_TIMEOUT_MS);
  tabs.push(await openChromiumTab(options), await openFirefoxTab(options));
  await api.waitForMembers(3, JOIN_TIMEOUT_MS);
});

afterAll(async () => {
  await Promise.allSettled(tabs.map((tab) => tab.close()));
  await server.close();
  expect(errors, "errors in the tabs' consoles").toEqual([]);
});

/** The members in the order of these browsers, each once. */
async function membersOf(...browsers: readonly ("Chromium" | "Firefox")[]): Promise<string[]> {
  const { members } = await api.state();
  const left = [...members];
  return browsers.map((browser) => {
    const at = left.findIndex(({ adapter }) => adapter?.browser.startsWith(browser));
    expect(at, `a member in ${browser}`).toBeGreaterThanOrEqual(0);
    return left.splice(at, 1)[0]!.id;
  });
}

/** Even stages over the members. */
function evenly(members: readonly string[]): ApiStage[] {
  const cut = (index: number) => Math.round((LAYERS * index) / members.length);
  return members.map((member, index) => ({ member, first: cut(index), end: cut(index + 1) }));
}

/** The first `count` greedy tokens after a golden's prompt. */
async function greedyTokens(golden: Golden, count: number): Promise<readonly number[]> {
  const response = await api.post("/v1/completions", {
    model: MODEL,
    prompt: golden.promptTokens,
    temperature: 0,
    max_tokens: count,
    return_token_ids: true,
  });
  const body = (await response.json()) as { choices: { token_ids: number[] }[] };
  return body.choices[0]!.token_ids;
}

/** Prompts whose first tokens the oracle was sure of. */
const DECIDED = ["json-array", "code-javascript", "english-list", "json-object"] as const;

const golden = (name: string) => GOLDENS.find((one) => one.name === name)!;

describe("a room of three tabs", () => {
  test("has two members in Chromium and one in Firefox, all measured", async () => {
    const { members, coordinator, placement } = await api.state();
    const browsers = members.map(({ adapter }) => adapter?.browser.split(" ")[0]);
    expect(browsers.sort()).toEqual(["Chromium", "Chromium", "Firefox"]);
    expect(members.map(({ id }) => id)).toContain(coordinator);
    expect(placement).toBeNull();
  });

  test("lends the model before anybody loaded it", async () => {
    const names = (await client.models.list()).data.map(({ id }) => id);
    expect(names).toContain(MODEL);
  });

  test("shows links in both directions, and that its members differ", async () => {
    await expect
      .poll(
        async () => {
          const { edges } = await api.get<{ edges: unknown[] }>("/api/topology/gpu");
          return edges.length;
        },
        { timeout: 60_000, interval: 500 },
      )
      .toBe(6);
    const topology = await api.get<{
      nodes: unknown[];
      edges: { roundTripMs: number; bytesPerMs: number }[];
      heterogeneous: boolean;
      reasons: string[];
    }>("/api/topology/gpu");
    expect(topology.nodes).toHaveLength(3);
    for (const { roundTripMs, bytesPerMs } of topology.edges) {
      expect(roundTripMs).toBeGreaterThan(0);
      expect(bytesPerMs).toBeGreaterThan(0);
    }
    // Firefox tells no device memory, so the budgets differ.
    expect(topology.heterogeneous).toBe(true);
    expect(topology.reasons.length).toBeGreaterThan(0);
  });

  test("previews placements with times and memory", async () => {
    const preview = await api.get<{
      candidates: { feasible: boolean; predictedMsPerToken: number | null; stages: unknown[] }[];
    }>(`/api/placements/preview?model=${MODEL}`);
    expect(preview.candidates.some(({ feasible }) => feasible)).toBe(true);
    const solved = preview.candidates[0]!;
    expect(solved.predictedMsPerToken).toBeGreaterThan(0);
    expect(solved.stages.length).toBeGreaterThan(0);
  });

  test("places the model over all three and says so when every stage has loaded", async () => {
    const stages = evenly(await membersOf("Chromium", "Firefox", "Chromium"));
    await api.place(MODEL, stages);
    const { placement, members } = await api.state();
    expect(placement).toMatchObject({ model: MODEL, ready: true, error: null, stages });
    expect(members.every(({ shard }) => shard?.status === "ready")).toBe(true);
  });

  test("streams a chat answer to the openai client, with the times of each stage", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: "What is the capital of France?" }],
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
      usage: { completion_tokens: number };
      timings: { stages: { compute_ms: number; hop_ms: number }[] };
    };
    expect(usage.completion_tokens).toBe(16);
    expect(timings.stages).toHaveLength(3);
    for (const { compute_ms, hop_ms } of timings.stages) {
      expect(compute_ms).toBeGreaterThan(0);
      expect(hop_ms).toBeGreaterThan(0);
    }
  });

  test.each(DECIDED)("answers %s as llama.cpp does, up to its first near-tie", async (name) => {
    const oracle = golden(name);
    const until = Math.min(16, firstNearTie(oracle));
    expect(await greedyTokens(oracle, until)).toEqual(oracle.tokens.slice(0, until));
  });

  test("runs several answers at once, each as it would be alone", async () => {
    const answers = await Promise.all(DECIDED.map((name) => greedyTokens(golden(name), 8)));
    DECIDED.forEach((name, index) => {
      const until = Math.min(8, firstNearTie(golden(name)));
      expect(answers[index]!.slice(0, until), name).toEqual(golden(name).tokens.slice(0, until));
    });
  });

  test("stops an answer that its asker gives up, and is free again", async () => {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      {
        model: MODEL,
        messages: [{ role: "user", content: "Count to one hundred." }],
        max_tokens: 500,
        stream: true,
      },
      { signal: controller.signal },
    );
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break;
    }
    controller.abort();
    await api.waitFor("no generation in flight", 30_000, ({ generations }) => {
      return generations.length === 0;
    });
  });

  test.each([
    [["Firefox", "Chromium"]],
    [["Chromium", "Chromium"]],
    [["Firefox"]],
    [["Chromium"]],
    [["Chromium", "Chromium", "Firefox"]],
  ] as const)("gives the same tokens over %j", async (browsers) => {
    await api.place(MODEL, evenly(await membersOf(...browsers)));
    const { tokens } = golden("json-array");
    expect(await greedyTokens(golden("json-array"), 12)).toEqual(tokens.slice(0, 12));
  });

  test("shows its events from the first one on", async () => {
    const controller = new AbortController();
    const response = await api.fetch("/api/events?after=-1", { signal: controller.signal });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n\n")) text += (await reader.read()).value ?? "";
    controller.abort();
    expect(text).toMatch(/^data: /m);
  });

  test("answers bad requests in words", async () => {
    const missing = client.chat.completions.create({
      model: "no-such-model",
      messages: [{ role: "user", content: "Hello" }],
    });
    await expect(missing).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    const wrongStages = await api.fetch("/api/placements", {
      method: "POST",
      body: JSON.stringify({ model: MODEL, stages: [{ member: "nobody", first: 0, end: LAYERS }] }),
    });
    expect(wrongStages.status).toBeGreaterThanOrEqual(400);
    const { error } = (await wrongStages.json()) as { error: { message: string } };
    expect(error.message).toContain("nobody");
    const wrongRoom = await fetch(`${api.server}/v1/models?room=AAAAAA`);
    expect(wrongRoom.status).toBe(503);
  });

  test("goes on with another coordinator when the coordinator's tab is gone", async () => {
    await tabs.shift()!.close();
    const { members, epoch } = await api.waitFor("the other two", 90_000, (state) => {
      return state.members.length === 2 && state.epoch > 1;
    });
    expect(epoch).toBeGreaterThan(1);
    expect(members).toHaveLength(2);
    await api.place(MODEL, evenly(await membersOf("Chromium", "Firefox")));
    const { tokens } = golden("json-array");
    expect(await greedyTokens(golden("json-array"), 6)).toEqual(tokens.slice(0, 6));
  });
});
