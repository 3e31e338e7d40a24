/** Commands to a coordinator in another tab, and their results by number. */
import type { Transport } from "../../mesh/index.ts";
import { type Clock, type MemberId, RoomError, type RoomFailure } from "../../shared/index.ts";
import type { ClusterMessage, RoomCommand } from "./messages.ts";
import { post } from "./peer-outbox.ts";

type Outcome = Pick<Extract<ClusterMessage, { type: "result" }>, "value" | "error">;

export class RemoteCommands {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #nextId = 1;
  readonly #pending = new Map<number, (outcome: Outcome) => void>();

  constructor(transport: Transport, clock: Clock, timeoutMs: number) {
    this.#transport = transport;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with a `RoomError`. Disconnects a coordinator that does not answer: it hangs or is cut off. */
  send(coordinator: MemberId, command: RoomCommand): Promise<number | null> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(this.#timeoutMs, () => {
        this.settle(id, { value: null, error: { reason: "coordinator_silent" } });
        this.#transport.disconnect(coordinator);
      });
      this.#pending.set(id, ({ value, error }) => {
        cancelTimer();
        if (error === null) resolve(value);
        else reject(new RoomError(error));
      });
      post(this.#transport, coordinator, { type: "command", id, command });
    });
  }

  settle(id: number, outcome: Outcome): void {
    const settle = this.#pending.get(id);
    this.#pending.delete(id);
    settle?.(outcome);
  }

  failAll(error: RoomFailure): void {
    for (const id of [...this.#pending.keys()]) this.settle(id, { value: null, error });
  }
}
