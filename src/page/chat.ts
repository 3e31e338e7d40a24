/** The conversation of this tab: questions, and answers as they stream. */
import { type RoomClient, LapTimes, type Lap } from "../cluster/index.ts";
import type { ChatMessage } from "../ui/index.ts";
import { type PlacementId, type RoomFailure, roomFailureOf, Sampling } from "../shared/index.ts";
import {
  type AnswerStatus,
  describeRecovery,
  describeRoomFailure,
  nameOfRoom,
} from "../words/index.ts";
import type { ViewStore } from "./view-store.ts";

export class Chat {
  readonly #store: Pick<ViewStore, "view" | "update">;
  #abort: AbortController | null = null;
  #placement: PlacementId | null = null;
  readonly #laps = new LapTimes();

  /** The view has the messages, and the stages' mean times over the answer so far. */
  constructor(store: Pick<ViewStore, "view" | "update">) {
    this.#store = store;
  }

  clear(): void {
    this.stop();
    this.#store.update({ chat: [], timings: [] });
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** The current placement: times of other stages do not count for it. */
  follow(placement: PlacementId | null): void {
    if (placement === this.#placement) return;
    this.#placement = placement;
    this.#laps.restart();
    this.#store.update({ timings: [] });
  }

  /** Asks `text` after the conversation so far, and keeps the answer, or why there is none. */
  async ask(client: RoomClient, text: string): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const before = withoutFailed(this.#store.view.chat, text);
    const question = said("user", text, "done");
    this.#store.update({ chat: [...before, question, said("assistant", "", "queued")] });
    this.#laps.restart();
    const startMs = performance.now();
    let firstMs = 0;
    let lost: RoomFailure | null = null;
    const { maxAnswerTokens } = client.state.settings;
    try {
      const messages = [...answered(before), question].map(({ role, text: content }) => ({
        role,
        content,
      }));
      const answer = client.ask({
        input: { kind: "chat", messages },
        sampling: Sampling.parse({ seed: crypto.getRandomValues(new Uint32Array(1))[0] }),
        maxTokens: maxAnswerTokens,
        stop: [],
        signal: abort.signal,
      });
      for await (const event of answer) {
        const now = performance.now();
        const last = this.#last();
        if (event.kind === "interrupted") {
          lost = event.failure;
          this.#update({ status: "queued" });
        } else if (event.kind === "recovering" && lost !== null) {
          this.#update({
            recovery: describeRecovery(lost, event.progress, nameOfRoom(client.state)),
          });
        } else if (event.kind === "started") {
          this.#laps.restart();
          this.#update({ status: "streaming" });
        } else if (event.kind === "token") {
          if (last.tokens === 0) firstMs = now;
          const tokens = last.tokens + 1;
          this.#update({
            text: last.text + event.text,
            tokens,
            recovery: null,
            firstTokenMs: firstMs - startMs,
            tokensPerSecond: tokens > 1 ? ((tokens - 1) * 1000) / (now - firstMs) : null,
          });
          this.#time(client, event);
        } else if (event.kind === "finished") {
          const status = statusAfter(event.finish, event.limit);
          this.#update({ text: last.text + event.text, status, recovery: null });
        }
      }
    } catch (error) {
      if (abort.signal.aborted) this.#update({ status: "stopped", recovery: null });
      else {
        const sentence = describeRoomFailure(roomFailureOf(error), nameOfRoom(client.state));
        this.#update({ status: "failed", error: sentence, recovery: null });
      }
    } finally {
      if (this.#abort === abort) this.#abort = null;
    }
  }

  #time(client: RoomClient, lap: Lap) {
    const { placement } = client.state;
    this.follow(placement?.id ?? null);
    const stages = placement?.stages ?? [];
    if (stages.length !== lap.computeMs.length || !this.#laps.add(lap)) return;
    const means = this.#laps.mean();
    const timings = stages.flatMap(({ member }, stage) => {
      const mean = means[stage];
      return mean ? [{ member, ...mean }] : [];
    });
    this.#store.update({ timings });
  }

  #last(): ChatMessage {
    return this.#store.view.chat.at(-1) ?? said("assistant", "", "queued");
  }

  #update(change: Partial<ChatMessage>): void {
    const { chat } = this.#store.view;
    // The chat may have been cleared before the answer arrived.
    if (chat.length === 0) return;
    this.#store.update({ chat: [...chat.slice(0, -1), { ...this.#last(), ...change }] });
  }
}

function statusAfter(
  finish: "stop" | "length" | "cancelled",
  limit: "tokens" | "context" | null,
): AnswerStatus {
  if (finish === "cancelled") return "stopped";
  if (finish === "stop") return "done";
  return limit === "tokens" ? "token_limit" : "context_full";
}

/** A question that is asked again after a failure appears once. */
function withoutFailed(chat: readonly ChatMessage[], text: string): readonly ChatMessage[] {
  const [question, answer] = chat.slice(-2);
  return answer?.status === "failed" && question?.text === text ? chat.slice(0, -2) : chat;
}

/** What the model reads: questions that got no answer are left out, with their failures. */
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
    error: null,
    recovery: null,
    tokens: 0,
    tokensPerSecond: null,
    firstTokenMs: null,
  };
}
