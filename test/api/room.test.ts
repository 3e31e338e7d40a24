/** The library's room over a room in memory: chat, the openai interface, placement, errors. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { joinRoom, type Room, TabmeshError } from "../../src/api/index.ts";
import { createRoom } from "../../src/api/room.ts";
import type { MemberId } from "../../src/shared/ids.ts";
import { WHOLE } from "../../tools/room/test-data.ts";
import { type ApiTestRoom, openApiRoom } from "./api-room.ts";

const messages = [{ role: "user" as const, content: "HI" }];
const greedy = { messages, temperature: 0, max_tokens: 5 };

let tabs: ApiTestRoom;
let room: Room;
beforeEach(async () => {
  tabs = await openApiRoom([WHOLE]);
  room = createRoom(tabs, "http://localhost:8787/", () => tabs.client.leave());
});
afterEach(() => tabs.room.close());

async function chatText(options: Parameters<Room["chat"]>[1]): Promise<string> {
  let text = "";
  for await (const part of room.chat(messages, options)) text += part.text;
  return text;
}

test("the link has the room's secret, also after a member was removed", async () => {
  const link = () => `http://localhost:8787/#ABCDEF.${tabs.client.key.secret}`;
  const before = room.link;
  expect(before).toBe(link());
  const [, other] = room.state.members;
  await tabs.client.dispatch({ type: "remove_member", member: other!.id as MemberId });
  expect(room.link).not.toBe(before);
  expect(room.link).toBe(link());
});

describe("chat", () => {
  test("streams the same text as openai.chat.completions.create, streamed or not", async () => {
    const { choices } = await room.openai.chat.completions.create(greedy);
    const whole = choices[0]?.message.content;
    expect(whole).toHaveLength(5);
    let streamed = "";
    for await (const chunk of await room.openai.chat.completions.create({
      ...greedy,
      stream: true,
    })) {
      streamed += chunk.choices[0]?.delta.content ?? "";
    }
    expect(streamed).toBe(whole);
    expect(await chatText({ temperature: 0, maxTokens: 5 })).toBe(whole);
  });

  test("ends with the reason", async () => {
    const finishes = [];
    for await (const { finish } of room.chat(messages, { maxTokens: 3 })) finishes.push(finish);
    expect(finishes.at(-1)).toBe("length");
    expect(finishes.slice(0, -1).every((finish) => finish === null)).toBe(true);
  });

  test("an abort ends it without an error, and frees the room", async () => {
    const abort = new AbortController();
    let text = "";
    for await (const part of room.chat(messages, { maxTokens: 200, signal: abort.signal })) {
      text += part.text;
      if (text.length === 3) abort.abort();
    }
    expect(text.length).toBeLessThan(100);
    await tabs.room.until(({ generations }) => generations.length === 0, "the generation to end");
  });

  test("an abort before its start ends it without an error too", async () => {
    expect(await chatText({ signal: AbortSignal.abort() })).toBe("");
  });

  test("leaving the loop ends the generation", async () => {
    for await (const { text } of room.chat(messages, { maxTokens: 200 })) if (text) break;
    await tabs.room.until(({ generations }) => generations.length === 0, "the generation to end");
  });
});

test("place takes stages, a model's id, or its file name", async () => {
  const stages = [{ member: "tab0", first: 0, end: 6 }];
  await room.place({ model: "tiny", stages });
  expect(room.state.placement).toMatchObject({ ready: true, stages });
  await room.place({ model: "tiny.gguf" });
  expect(room.state.placement?.model.name).toBe("tiny");
});

test("subscribe reports each state until it is ended", async () => {
  const states: unknown[] = [];
  const end = room.subscribe((state) => states.push(state));
  await room.place({ model: "tiny" });
  expect(states.at(-1)).toBe(room.state);
  end();
  const count = states.length;
  await tabs.client.dispatch({ type: "rename", name: "Anna" });
  expect(states).toHaveLength(count);
});

describe("errors are TabmeshErrors with a code", () => {
  test("of the request", async () => {
    await expect(room.openai.chat.completions.create({ ...greedy, n: 2 })).rejects.toMatchObject({
      name: "TabmeshError",
      code: "unsupported_value",
      reason: { feature: "n" },
    });
    await expect(room.place({ model: "huge" })).rejects.toMatchObject({
      code: "model_not_found",
      reason: { known: ["tiny"] },
    });
    await expect(chatText({ model: "huge" })).rejects.toBeInstanceOf(TabmeshError);
  });

  test("of the room", async () => {
    const empty = await openApiRoom([]);
    await expect(
      createRoom(empty, "http://localhost:8787/", () => undefined).openai.chat.completions.create(
        greedy,
      ),
    ).rejects.toMatchObject({ name: "TabmeshError", code: "unavailable" });
    empty.room.close();
  });

  test("of a room that was left", async () => {
    await room.leave();
    await expect(chatText({})).rejects.toMatchObject({
      code: "unavailable",
      reason: { reason: "not_in_room" },
    });
  });

  test.each(["ABC", "ABCDE0", "ABCDEFG", ""])("of a code like %j", async (code) => {
    await expect(joinRoom({ server: "http://localhost:1", code })).rejects.toMatchObject({
      name: "TabmeshError",
      code: "bad_room_code",
      reason: { given: code },
    });
  });

  test.each(["localhost:8787", "not a URL", ""])("the server %j", async (server) => {
    await expect(joinRoom({ server, code: "ABCDEF" })).rejects.toMatchObject({
      name: "TabmeshError",
      code: "invalid_value",
      reason: { param: "server" },
    });
  });
});
