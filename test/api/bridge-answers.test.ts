import { expect, test } from "vitest";
import { BridgeAnswer } from "../../src/api/bridge-answers.ts";
import { MAX_CHUNK_CHARACTERS } from "../../src/shared/bridge.ts";

/** A body that counts what is read of it. */
function endlessBody() {
  const read = { chunks: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: (controller) => {
        read.chunks += 1;
        controller.enqueue(new TextEncoder().encode(`${read.chunks}\n`));
      },
      cancel: () => void (read.cancelled = true),
    },
    { highWaterMark: 0 },
  );
  return { read, body };
}

/** Lets everything run that does not wait for something outside. */
const idle = () => new Promise((resolve) => setImmediate(resolve));

test("a paused answer reads no more of its body until it resumes", async () => {
  const { read, body } = endlessBody();
  const answer = new BridgeAnswer();
  const received: string[] = [];
  const ended = (async () => {
    for await (const chunk of answer.chunks(body)) {
      received.push(chunk);
      if (received.length === 3) answer.pause();
      if (received.length === 6) answer.cancel();
    }
  })();
  await idle();
  expect(received).toEqual(["1\n", "2\n", "3\n"]);
  const readWhilePaused = read.chunks;
  await idle();
  expect(read.chunks).toBe(readWhilePaused);
  expect(readWhilePaused).toBeLessThan(8);
  answer.resume();
  await ended;
  expect(received).toHaveLength(6);
  expect(read.cancelled).toBe(true);
});

test("a paused answer that is cancelled ends and cancels its body", async () => {
  const { read, body } = endlessBody();
  const answer = new BridgeAnswer();
  answer.pause();
  const next = answer.chunks(body).next();
  await idle();
  answer.cancel();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(read.cancelled).toBe(true);
});

test("long text is sent in several messages, and no character is cut in two", async () => {
  const text = `${"x".repeat(MAX_CHUNK_CHARACTERS - 1)}😀${"é".repeat(MAX_CHUNK_CHARACTERS)}`;
  const chunks: string[] = [];
  for await (const chunk of new BridgeAnswer().chunks(new Response(text).body!)) chunks.push(chunk);
  expect(chunks.join("")).toBe(text);
  for (const chunk of chunks) {
    expect(chunk.length).toBeLessThanOrEqual(MAX_CHUNK_CHARACTERS);
    expect(Buffer.from(chunk).toString()).toBe(chunk);
  }
});
