/** One request to join a coordinator, until it is admitted, refused, or given up. */
import { type Clock, type MemberId, RoomError, type RoomState } from "../../shared/index.ts";
import type { ClusterMessage } from "./messages.ts";

export class JoinAttempt {
  readonly peer: MemberId;
  /** The room's state. Rejects with a `RoomError`. */
  readonly admitted: Promise<RoomState>;
  #settle: (result: RoomState | RoomError) => void = () => undefined;

  constructor(peer: MemberId, clock: Clock, timeoutMs: number) {
    this.peer = peer;
    this.admitted = new Promise((resolve, reject) => {
      const cancelTimer = clock.after(timeoutMs, () =>
        this.fail(new RoomError({ reason: "coordinator_silent" })),
      );
      this.#settle = (result) => {
        cancelTimer();
        if (result instanceof RoomError) reject(result);
        else resolve(result);
      };
    });
  }

  take(message: ClusterMessage): void {
    if (message.type === "welcome") this.#settle(message.state);
    else if (message.type === "refused") this.fail(new RoomError(message.refusal));
  }

  fail(error: RoomError): void {
    this.#settle(error);
  }
}
