/** The conversation of this tab: questions, and answers as they stream. Knows no page. */
import type { RoomClient } from "../cluster/room-client.ts";
import { RoomError } from "../cluster/room-error.ts";
import type { ChatMessage, StageTiming } from "../shared/page-view.ts";
import { Sampling } from "../shared/sampling.ts";

export type ChatView = {
  readonly chat: readonly ChatMessage[];
  /** Means over the answer so far. */
  readonly timings: readonly StageTiming[];
};

const EMPTY: ChatView = { chat: [], timings: [] };

export class Chat {
  readonly #onChange: () => void;
  #abort: AbortController | null = null;
  #view: ChatView = EMPTY;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get view(): ChatView {
    return this.#view;
  }

  clear(): void {
    this.stop();
    this.#set(EMPTY);
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Asks `text` after what was said before, and keeps the answer, or why there is none. */
  async ask(client: RoomClient, text: string): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const before = withoutFailed(this.#view.chat, text);
    this.#set({
      ...this.#view,
      chat: [...before, said("user", text, "done"), said("assistant", "", "queued")],
    });
    const sums = new StageSums();
    const startMs = performance.now();
    let firstMs = 0;
    try {
      const messages = [...answered(before), said("user", text, "done")].map(
        ({ role, text: content }) => ({
          role,
          content,
        }),
      );
      const answer = client.ask({
        input: { kind: "chat", messages },
        sampling: Sampling.parse({ seed: crypto.getRandomValues(new Uint32Array(1))[0] }),
        maxTokens: null,
        stop: [],
        signal: abort.signal,
      });
      for await (const event of answer) {
        const now = performance.now();
        const last = this.#last();
        if (event.kind === "queued") this.#update({ generation: event.generation });
        else if (event.kind === "started")
          this.#update({ generation: event.generation, status: "streaming" });
        else if (event.kind === "token") {
          if (last.tokens === 0) firstMs = now;
          const tokens = last.tokens + 1;
          this.#update({
            text: last.text + event.text,
            tokens,
            firstTokenMs: firstMs - startMs,
            tokensPerSecond: tokens > 1 ? ((tokens - 1) * 1000) / (now - firstMs) : null,
          });
          this.#time(sums, client, event.computeMs, event.hopMs);
        } else if (event.kind === "finished") {
          const status = event.finish === "cancelled" ? "stopped" : "done";
          this.#update({ text: last.text + event.text, status });
        }
      }
    } catch (error) {
      if (abort.signal.aborted) this.#update({ status: "stopped" });
      else this.#update({ status: "failed", error: wordsOf(error) });
    } finally {
      if (this.#abort === abort) this.#abort = null;
    }
  }

  #time(
    sums: StageSums,
    client: RoomClient,
    computeMs: readonly number[],
    hopMs: readonly number[],
  ) {
    const stages = client.state.placement?.stages ?? [];
    // The first lap is the prompt's, and says nothing of the laps that follow.
    if (this.#last().tokens === 1 || stages.length !== computeMs.length) return;
    sums.add(computeMs, hopMs);
    this.#set({
      ...this.#view,
      timings: stages.map(({ member }, stage) => ({ member, ...sums.mean(stage) })),
    });
  }

  #last(): ChatMessage {
    return this.#view.chat.at(-1) ?? said("assistant", "", "queued");
  }

  #update(change: Partial<ChatMessage>): void {
    const chat = this.#view.chat;
    // The chat may have been cleared while the answer was on its way.
    if (chat.length === 0) return;
    this.#set({ ...this.#view, chat: [...chat.slice(0, -1), { ...this.#last(), ...change }] });
  }

  #set(view: ChatView): void {
    this.#view = view;
    this.#onChange();
  }
}

class StageSums {
  #laps = 0;
  #compute: number[] = [];
  #hop: number[] = [];

  add(computeMs: readonly number[], hopMs: readonly number[]): void {
    // Another placement took over: its stages are others.
    if (computeMs.length !== this.#compute.length) {
      this.#laps = 0;
      this.#compute = computeMs.map(() => 0);
      this.#hop = computeMs.map(() => 0);
    }
    this.#laps += 1;
    computeMs.forEach((ms, stage) => (this.#compute[stage]! += ms));
    hopMs.forEach((ms, stage) => (this.#hop[stage]! += ms));
  }

  mean(stage: number): { computeMs: number; hopMs: number } {
    return {
      computeMs: (this.#compute[stage] ?? 0) / this.#laps,
      hopMs: (this.#hop[stage] ?? 0) / this.#laps,
    };
  }
}

/** Asked again after a failure, a question stands there once. */
function withoutFailed(chat: readonly ChatMessage[], text: string): readonly ChatMessage[] {
  const [question, answer] = chat.slice(-2);
  return answer?.status === "failed" && question?.text === text ? chat.slice(0, -2) : chat;
}

/** What the model is told: questions that got no answer are left out, with their failures. */
function answered(chat: readonly ChatMessage[]): readonly ChatMessage[] {
  return chat.filter((message, index) => {
    const answer = message.role === "user" ? chat[index + 1] : message;
    return answer?.status !== "failed";
  });
}

function said(role: ChatMessage["role"], text: string, status: ChatMessage["status"]): ChatMessage {
  return {
    role,
    text,
    status,
    generation: null,
    error: null,
    tokens: 0,
    tokensPerSecond: null,
    firstTokenMs: null,
  };
}

/** An error for people. */
export function wordsOf(error: unknown): string {
  if (error instanceof RoomError || error instanceof Error) return error.message;
  return String(error);
}
