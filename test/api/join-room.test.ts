/** The facade for other people's pages: ask as one asks OpenAI, errors thrown. */
import { describe, expect, test } from "vitest";
import { completionsOf } from "../../src/api/completions-api.ts";
import { joinRoom } from "../../src/api/join-room.ts";
import type { RoomParts } from "../../src/cluster/parts.ts";
import { WHOLE } from "../../tools/room/test-room.ts";
import { openApiRoom } from "./api-room.ts";

const body = {
  messages: [{ role: "user", content: "HI" }],
  temperature: 0,
  max_tokens: 5,
};

test("a whole answer, and the same in pieces", async () => {
  const room = await openApiRoom([WHOLE]);
  const complete = completionsOf(room, "/v1/chat/completions");
  const whole = (await complete(body)) as {
    choices: [{ message: { content: string } }];
  };
  let streamed = "";
  for await (const chunk of complete.stream(body)) {
    const [choice] = (chunk as { choices: [{ delta: { content?: string } }] }).choices;
    streamed += choice.delta.content ?? "";
  }
  room.room.close();
  expect(streamed).toHaveLength(5);
  expect(whole.choices[0].message.content).toBe(streamed);
});

describe("errors are thrown", () => {
  test("with status and code, before a stream as well", async () => {
    const room = await openApiRoom([]);
    const complete = completionsOf(room, "/v1/completions");
    const refused = { status: 503, code: "unavailable" };
    await expect(complete({ prompt: "A" })).rejects.toMatchObject(refused);
    await expect(complete.stream({ prompt: "A" }).next()).rejects.toMatchObject(refused);
    room.room.close();
  });

  test.each(["ABC", "ABCDE0", "ABCDEFG", ""])(
    "a code like %j is refused before anything else",
    async (code) => {
      await expect(joinRoom({ room: code, parts: {} as RoomParts })).rejects.toMatchObject({
        code: "bad_room_code",
        message: "a room code is 6 characters of ABCDEFGHJKMNPQRSTUVWXYZ23456789",
      });
    },
  );
});
