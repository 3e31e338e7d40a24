/** Uses all of the library's API, with types, and leaves the results on the window. */
import type OpenAI from "openai";
import { joinRoom, type JoinProgress, type Room, TabmeshError } from "tabmesh";

const query = new URLSearchParams(location.search);
const server = query.get("server") ?? "";
const code = query.get("code") ?? "";
const messages = [{ role: "user" as const, content: "Hello" }];

async function main() {
  const steps: JoinProgress["step"][] = [];
  const room: Room = await joinRoom({
    server,
    code,
    name: "A typed page",
    observe: true,
    iceServers: [],
    onProgress: ({ step }) => steps.push(step),
  });
  let changes = 0;
  const unsubscribe = room.subscribe((state) => (changes += state.members.length > 0 ? 1 : 0));

  const completion: OpenAI.ChatCompletion = await room.openai.chat.completions.create({
    messages,
    max_tokens: 12,
    temperature: 0,
  });
  let streamed = "";
  const chunks: AsyncIterable<OpenAI.ChatCompletionChunk> =
    await room.openai.chat.completions.create({
      messages,
      max_tokens: 12,
      temperature: 0,
      stream: true,
    });
  for await (const chunk of chunks) streamed += chunk.choices[0]?.delta.content ?? "";
  let chatted = "";
  for await (const { text } of room.chat(messages, { maxTokens: 12, temperature: 0 })) {
    chatted += text;
  }
  const [stage] = room.state.placement?.stages ?? [];
  const denial = await room
    .place({ model: completion.model, ...(stage ? { stages: [stage] } : {}) })
    .catch((error: unknown) => error);
  const refusal = await room.place({ model: "no-such-model" }).catch((error: unknown) => error);
  const members = room.state.members.map(({ name }) => name);
  unsubscribe();
  await room.leave();
  return {
    steps,
    changes,
    whole: completion.choices[0]?.message.content ?? null,
    streamed,
    chatted,
    members,
    denial: denial instanceof TabmeshError ? denial.reason?.["reason"] : null,
    refusal: refusal instanceof TabmeshError ? refusal.code : null,
  };
}

/** What the test reads. */
export type Results = Awaited<ReturnType<typeof main>> | { readonly error: string };

main()
  .catch((error: unknown) => ({ error: error instanceof Error ? (error.stack ?? "") : "" }))
  .then((results) => Object.assign(globalThis, { results }));
