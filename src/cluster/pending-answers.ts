/** Commands that wait for the coordinator's result, by number. */
import type { ClusterMessage } from "./messages.ts";
import { RoomError } from "./room-error.ts";

type Result = Extract<ClusterMessage, { type: "result" }>;

export type PendingAnswer = {
  readonly id: number;
  readonly value: Promise<number | null>;
  /** Whether it was given up because no result came. */
  timedOut(): boolean;
};

export class PendingAnswers {
  #nextId = 1;
  readonly #waiting = new Map<number, (result: Result | string) => void>();

  /** A number for a command, and the promise of its result. */
  open(timeoutMs: number): PendingAnswer {
    const id = this.#nextId++;
    let late = false;
    const value = new Promise<number | null>((resolve, reject) => {
      const timer = setTimeout(() => {
        late = true;
        this.#settle(id, "The coordinator did not answer in time.");
      }, timeoutMs);
      this.#waiting.set(id, (result) => {
        clearTimeout(timer);
        if (typeof result === "string") reject(new RoomError("unavailable", result));
        else if (result.error === null) resolve(result.value);
        else reject(new RoomError(result.code ?? "failed", result.error));
      });
    });
    return { id, value, timedOut: () => late };
  }

  settle(result: Result): void {
    this.#settle(result.id, result);
  }

  failAll(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, reason);
  }

  #settle(id: number, result: Result | string): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(result);
  }
}
