/** The conversation of this tab: questions, and answers as they stream. Knows no page. */
import type { RoomClient } from "../cluster/room-client.ts";

import type { PlacementId } from "../shared/ids.ts";
import type { ChatMessage, StageTiming } from "../shared/page-view.ts";
import { Sampling } from "../shared/sampling.ts";
import { namesIn } from "../ui/member-names.ts";
import { errorMessage } from "../shared/error-message.ts";

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
  #placement: PlacementId | null = null;
  #sums = new StageSums();

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

  /** What is placed now: what was measured of other stages says nothing of these. */
  follow(placement: PlacementId | null): void {
    if (placement === this.#placement) return;
    this.#placement = placement;
    this.#sums = new StageSums();
    this.#set({ ...this.#view, timings: [] });
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
    this.#sums = new StageSums();
    const startMs = performance.now();
    let firstMs = 0;
    let isFirstLap = true;
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
        else if (event.kind === "interrupted") this.#update({ status: "queued" });
        else if (event.kind === "started") {
          isFirstLap = true;
          this.#update({ generation: event.generation, status: "streaming" });
        } else if (event.kind === "token") {
          if (last.tokens === 0) firstMs = now;
          const tokens = last.tokens + 1;
          this.#update({
            text: last.text + event.text,
            tokens,
            firstTokenMs: firstMs - startMs,
            tokensPerSecond: tokens > 1 ? ((tokens - 1) * 1000) / (now - firstMs) : null,
          });
          // The first lap is the prompt's, and says nothing of the laps that follow.
          if (!isFirstLap) this.#time(client, event.computeMs, event.hopMs);
          isFirstLap = false;
        } else if (event.kind === "finished") {
          const status = event.finish === "cancelled" ? "stopped" : "done";
          this.#update({ text: last.text + event.text, status });
        }
      }
    } catch (error) {
      if (abort.signal.aborted) this.#update({ status: "stopped" });
      else this.#update({ status: "failed", error: named(client, errorMessage(error)) });
    } finally {
      if (this.#abort === abort) this.#abort = null;
    }
  }

  #time(client: RoomClient, computeMs: readonly number[], hopMs: readonly number[]) {
    const { placement } = client.state;
    this.follow(placement?.id ?? null);
    const stages = placement?.stages ?? [];
    if (stages.length !== computeMs.length) return;
    this.#sums.add(computeMs, hopMs);
    this.#set({
      ...this.#view,
      timings: stages.map(({ member }, stage) => ({ member, ...this.#sums.mean(stage) })),
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
    this.#laps += 1;
    this.#compute = computeMs.map((ms, stage) => (this.#compute[stage] ?? 0) + ms);
    this.#hop = hopMs.map((ms, stage) => (this.#hop[stage] ?? 0) + ms);
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

function named(client: RoomClient, words: string): string {
  return namesIn(client.state.members)(words);
}
