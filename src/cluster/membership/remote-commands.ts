/** Commands to a coordinator in another tab, and their results by number. */
import type { Transport } from "../../mesh/index.ts";
import { type Clock, type MemberId, RoomError, type RoomFailure } from "../../shared/index.ts";
import type { ClusterMessage, RoomCommand } from "./messages.ts";
import { post } from "./peer-outbox.ts";

type Outcome = Pick<Extract<ClusterMessage, { type: "result" }>, "value" | "error">;

export function remoteCommands(transport: Transport, clock: Clock, timeoutMs: number) {
  const pending = new Map<number, (outcome: Outcome) => void>();
  let lastId = 0;
  const settle = (id: number, outcome: Outcome) => {
    const settleOne = pending.get(id);
    pending.delete(id);
    settleOne?.(outcome);
  };
  return {
    settle,
    /** Rejects with a `RoomError`. Disconnects a coordinator that does not answer: it hangs or is cut off. */
    send(coordinator: MemberId, command: RoomCommand): Promise<number | null> {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        const cancelTimer = clock.after(timeoutMs, () => {
          settle(id, { value: null, error: { reason: "coordinator_silent" } });
          transport.disconnect(coordinator);
        });
        pending.set(id, ({ value, error }) => {
          cancelTimer();
          if (error === null) resolve(value);
          else reject(new RoomError(error));
        });
        post(transport, coordinator, { type: "command", id, command });
      });
    },
    failAll(error: RoomFailure): void {
      for (const id of [...pending.keys()]) settle(id, { value: null, error });
    },
  };
}
