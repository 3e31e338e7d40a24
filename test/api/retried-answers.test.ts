/** A completion that is asked for again with its `Idempotency-Key`: answered once. */
import OpenAI from "openai";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRoutes } from "../../src/api/http/router.ts";
import { isEvent } from "../../src/cluster/membership/room-access.ts";
import { HALF } from "../../tools/room/test-data.ts";
import { type ApiTestRoom, jsonOf, openApiRoom, request, textOf } from "./api-room.ts";

const CHAT = "/v1/chat/completions";
const asked = {
  model: "tiny",
  temperature: 1,
  max_tokens: 12,
  messages: [{ role: "user", content: "HI" }],
};

let room: ApiTestRoom;
let routes: ReturnType<typeof createRoutes>;
let queued = 0;
beforeEach(async () => {
  room = await openApiRoom([HALF, HALF]);
  routes = createRoutes(room);
  queued = 0;
  room.client.subscribe((change) => {
    if (isEvent(change, "generation_queued")) queued += 1;
  });
});
afterEach(() => room.room.close());

function post(key: string, body: object = asked, signal?: AbortSignal): Promise<Response> {
  const headers = { "Idempotency-Key": key };
  const init = { method: "POST", headers, body: JSON.stringify(body), ...(signal && { signal }) };
  return Promise.resolve(routes.request(CHAT, init));
}

async function whole(response: Response): Promise<string> {
  let text = "";
  for await (const piece of textOf(response)) text += piece;
  return text;
}

test("both responses are the same answer, while it is written and after it", async () => {
  const [one, two] = await Promise.all([post("k").then(whole), post("k").then(whole)]);
  expect(two).toBe(one);
  expect(await post("k").then(whole)).toBe(one);
  expect(queued).toBe(1);
  await post("other").then(whole);
  expect(queued).toBe(2);
});

test("a client that lost its stream gets it again from the beginning", async () => {
  const stream = { ...asked, max_tokens: 60, stream: true };
  const hangUp = new AbortController();
  const response = await post("k", stream, hangUp.signal);
  let seen = "";
  for await (const piece of textOf(response)) {
    seen += piece;
    if (seen.split("data:").length === 6) break; // leaving cancels the body
  }
  hangUp.abort();
  const again = await post("k", stream).then(whole);
  expect(again.startsWith(seen)).toBe(true);
  expect(again).toContain("[DONE]");
  expect(queued).toBe(1);
});

test("the key of another request is refused, as is a long one", async () => {
  await post("k").then(whole);
  const refusal = { reason: "invalid_value", param: "Idempotency-Key" };
  for (const response of [post("k", { ...asked, max_tokens: 3 }), post("x".repeat(256))]) {
    const error = { reason: refusal };
    expect(await jsonOf(response)).toMatchObject({ status: 400, body: { error } });
  }
});

test("what failed is tried again", async () => {
  const bad = { ...asked, model: "unknown" };
  expect((await post("k", bad)).status).toBe(404);
  expect((await post("k")).status).toBe(200);
});

test("without a seed, another coordinator's answer to the same key is the same", async () => {
  const one = (await jsonOf(post("k"))).body as { choices: unknown };
  const [, second] = [...room.room.tabs.values()];
  routes = createRoutes({ ...room, client: second!.client });
  const two = (await jsonOf(post("k"))).body as { choices: unknown };
  expect(two.choices).toEqual(one.choices);
  const headless = (await jsonOf(request(room, "POST", CHAT, { body: asked }))).body as {
    choices: unknown;
  };
  expect(headless.choices).not.toEqual(one.choices);
});

test("the openai client's own retry is answered once", async () => {
  let attempts = 0;
  const openai = new OpenAI({
    baseURL: "http://room/v1",
    apiKey: "none",
    maxRetries: 2,
    fetch: async (url, init) => {
      const response = await routes.fetch(new Request(url, init));
      attempts += 1;
      if (attempts > 1) return response;
      await response.body?.cancel();
      throw new TypeError("the connection broke");
    },
  });
  const body = { ...asked, messages: [{ role: "user" as const, content: "HI" }] };
  const answer = await openai.chat.completions.create(body, {
    headers: { "Idempotency-Key": "k" },
  });
  expect(answer.choices[0]?.finish_reason).toBe("length");
  expect(attempts).toBe(2);
  expect(queued).toBe(1);
});
