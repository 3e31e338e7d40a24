/**
 * An answer with a fault in its middle, asked through a tab's page (sampled, with the seed that
 * chaos-tab.ts fixes) or over HTTP (greedily). What was shown in between is kept: a token that is shown may
 * not change later.
 */
import { appSend, type ChaosTab } from "./chaos-tab.ts";
import type { RoomApi } from "./room-api.ts";

/** An answer is complete by then, whatever happened. */
const ANSWER_TIMEOUT_MS = 90_000;
/** The fault comes when the answer has this many. */
const TOKENS_BEFORE = 8;
const LOOK_MS = 20;
const QUESTION = "Tell me a long story about the sea.";

export type Answer = { readonly text: string; readonly tokens: number; readonly finish: string };
export type Asked = {
  readonly answer: Answer;
  /** The messages about its recovery, each once. */
  readonly recovery: readonly string[];
  /** The longest time without another token. */
  readonly pauseMs: number;
};

/** The parts of an answer as they are shown; each adds to the one before. */
class Shown {
  #answer: Answer = { text: "", tokens: 0, finish: "" };
  readonly #recovery = new Set<string>();
  #newMs = 0;
  #pauseMs = 0;

  get answer(): Answer {
    return this.#answer;
  }

  get asked(): Asked {
    return { answer: this.#answer, recovery: [...this.#recovery], pauseMs: this.#pauseMs };
  }

  next(answer: Answer): void {
    if (!answer.text.startsWith(this.#answer.text))
      throw new Error(`"${this.#answer.text}" was shown, and then "${answer.text}"`);
    const nowMs = Date.now();
    if (answer.tokens > this.#answer.tokens) {
      if (this.#answer.tokens > 0) this.#pauseMs = Math.max(this.#pauseMs, nowMs - this.#newMs);
      this.#newMs = nowMs;
    }
    this.#answer = answer;
  }

  recovering(sentence: string): void {
    this.#recovery.add(sentence);
  }
}

type ChatMessage = {
  readonly text: string;
  readonly tokens: number;
  readonly status: string;
  readonly error: string | null;
  readonly recovery: string | null;
};

/** Null while the chat is empty. The page shows a change in its next frame. */
const LAST_MESSAGE = `(() => {
  const message = document.querySelector("tabmesh-app").view.chat.at(-1);
  if (message === undefined) return null;
  const { text, tokens, status, error, recovery } = message;
  return { text, tokens, status, error, recovery };
})()`;

/** Calls `act` in the middle of the answer. */
export async function askOnPage(tab: ChaosTab, act: () => void): Promise<Asked> {
  const look = () => tab.evaluate<ChatMessage | null>(LAST_MESSAGE);
  await tab.evaluate(appSend({ type: "clear_chat" }));
  while ((await look()) !== null) await pause();
  await tab.evaluate(appSend({ type: "send_message", text: QUESTION }));
  const shown = new Shown();
  let hasActed = false;
  const endMs = Date.now() + ANSWER_TIMEOUT_MS;
  for (; Date.now() < endMs; await pause()) {
    const message = await look();
    if (message === null) continue;
    const { text, tokens, status, error, recovery } = message;
    if (recovery !== null) shown.recovering(recovery);
    shown.next({ text, tokens, finish: status });
    if (!hasActed && tokens >= TOKENS_BEFORE && status === "streaming") {
      hasActed = true;
      act();
    }
    if (error !== null) throw new Error(`the answer ended: ${error}`);
    if (status !== "token_limit") continue;
    if (!hasActed) throw new Error("the answer was complete before anything happened");
    return shown.asked;
  }
  throw new Error(`the answer did not end: ${JSON.stringify(shown.asked)}`);
}

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

type Chunk = {
  readonly error?: { readonly message: string };
  readonly choices?: readonly {
    readonly delta: { readonly content?: string };
    readonly token_ids?: readonly number[];
    readonly finish_reason: string | null;
  }[];
};

export async function askOverHttp(
  api: RoomApi,
  { model, maxTokens }: { readonly model: string; readonly maxTokens: number },
  act: () => void,
): Promise<Asked> {
  const response = await api.fetch("/v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({
      model,
      messages: [{ role: "user", content: QUESTION }],
      temperature: 0,
      max_tokens: maxTokens,
      stream: true,
      return_token_ids: true,
    }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (!response.ok || response.body === null)
    throw new Error(`${response.status}: ${await response.text()}`);
  const shown = new Shown();
  let hasActed = false;
  for await (const line of linesOf(response.body)) {
    if (line.startsWith(": ")) shown.recovering(line.slice(2));
    if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
    const { error, choices } = JSON.parse(line.slice(6)) as Chunk;
    if (error !== undefined) throw new Error(`the answer ended: ${error.message}`);
    const { text, tokens, finish } = shown.answer;
    const [choice] = choices ?? [];
    if (choice === undefined) continue;
    shown.next({
      text: text + (choice.delta.content ?? ""),
      tokens: tokens + (choice.token_ids?.length ?? 0),
      finish: choice.finish_reason ?? finish,
    });
    if (!hasActed && shown.answer.tokens >= TOKENS_BEFORE) {
      hasActed = true;
      act();
    }
  }
  return shown.asked;
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
