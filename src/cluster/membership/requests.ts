/** What this tab asks of a coordinator, to be admitted and by commands, until it is answered or given up. */
import type { Transport } from "../../mesh/index.ts";
import {
  type Clock,
  failureOf,
  type Member,
  type MemberId,
  type RoomCode,
  RoomError,
  type RoomFailure,
} from "../../shared/index.ts";
import { type ClusterMessage, post, type RoomCommand } from "./messages.ts";

type Outcome = Pick<Extract<ClusterMessage, { type: "result" }>, "value" | "error">;

/** The id of the request to be admitted; commands count from 1. */
const JOIN = 0;

/** `answerMs` is the time for an answer. */
export function coordinatorRequests(transport: Transport, clock: Clock, answerMs: number) {
  const pending = new Map<number, { peer: MemberId; settle: (outcome: Outcome) => void }>();
  let lastId = JOIN;
  let closed = false;

  const settle = (id: number, outcome: Outcome) => {
    const request = pending.get(id);
    pending.delete(id);
    request?.settle(outcome);
  };

  /** Rejects with a `RoomError`. Disconnects a coordinator that does not answer: it hangs or is cut off. */
  const send = (id: number, peer: MemberId, message: ClusterMessage): Promise<number | null> =>
    new Promise((resolve, reject) => {
      const cancelTimer = clock.after(answerMs, () => {
        settle(id, { value: null, error: { reason: "coordinator_silent" } });
        transport.disconnect(peer);
      });
      const onOutcome = ({ value, error }: Outcome) => {
        cancelTimer();
        if (error === null) resolve(value);
        else reject(new RoomError(error));
      };
      pending.set(id, { peer, settle: onOutcome });
      post(transport, peer, message);
    });

  const failAll = (error: RoomFailure) => {
    for (const id of [...pending.keys()]) settle(id, { value: null, error });
  };

  return {
    settle,
    failAll,
    /** Nothing is asked after this. */
    close(): void {
      closed = true;
      failAll({ reason: "tab_left" });
    },
    /** The coordinator that has not answered yet whether it admits this tab. */
    get joins(): MemberId | null {
      return pending.get(JOIN)?.peer ?? null;
    },
    /** Resolves once this tab is admitted. Rejects with a `RoomError` or a `MeshError`. */
    async join(peer: MemberId, room: RoomCode, introduction: () => Member): Promise<void> {
      await transport.connect(peer).catch(failAtOnceIfRefused);
      if (closed) throw new RoomError({ reason: "tab_left" });
      const member = introduction();
      await send(JOIN, peer, { type: "join", room, member });
    },
    joined(error: RoomFailure | null): void {
      settle(JOIN, { value: null, error });
    },
    command(peer: MemberId, command: RoomCommand): Promise<number | null> {
      const id = ++lastId;
      return send(id, peer, { type: "command", id, command });
    },
  };
}

/** A tab that was refused is refused again: a `RoomError` ends the search for the room. */
function failAtOnceIfRefused(error: unknown): never {
  const refusal = new RoomError(failureOf(error), { cause: error });
  throw refusal.code === "refused" ? refusal : error;
}
