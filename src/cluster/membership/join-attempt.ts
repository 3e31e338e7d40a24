/** One request to join a coordinator, until it is admitted, refused, or given up. */
import { type MemberId, RoomError, type RoomState } from "../../shared/index.ts";
import type { ClusterMessage } from "./messages.ts";

export class JoinAttempt {
  readonly peer: MemberId;
  /** The room's state. Rejects with a `RoomError`. */
  readonly admitted: Promise<RoomState>;
  #settle: (result: RoomState | RoomError) => void = () => undefined;

  constructor(peer: MemberId, timeoutMs: number) {
    this.peer = peer;
    this.admitted = new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.fail(new RoomError({ reason: "coordinator_silent" })),
        timeoutMs,
      );
      this.#settle = (result) => {
        clearTimeout(timer);
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
