/** Commands that wait for the coordinator's result, by number. */
import type { ClusterMessage } from "./messages.ts";
import { RoomError, type RoomFailure } from "../../shared/index.ts";

type Result = Extract<ClusterMessage, { type: "result" }>;
type Outcome = Pick<Result, "value" | "error">;

export type PendingAnswer = {
  readonly id: number;
  readonly value: Promise<number | null>;
  /** Whether it failed because no result came in time. */
  timedOut(): boolean;
};

export class PendingAnswers {
  #nextId = 1;
  readonly #waiting = new Map<number, (result: Outcome) => void>();

  /** A number for a command, and the promise of its result. */
  open(timeoutMs: number): PendingAnswer {
    const id = this.#nextId++;
    let late = false;
    const value = new Promise<number | null>((resolve, reject) => {
      const timer = setTimeout(() => {
        late = true;
        this.#settle(id, { value: null, error: { reason: "coordinator_silent" } });
      }, timeoutMs);
      this.#waiting.set(id, (result) => {
        clearTimeout(timer);
        if (result.error === null) resolve(result.value);
        else reject(new RoomError(result.error));
      });
    });
    return { id, value, timedOut: () => late };
  }

  settle(result: Result): void {
    this.#settle(result.id, result);
  }

  failAll(error: RoomFailure): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, { value: null, error });
  }

  #settle(id: number, result: Outcome): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(result);
  }
}
