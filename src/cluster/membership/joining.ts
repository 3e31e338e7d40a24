/** How a tab asks a coordinator to be admitted: one request at a time, until it is answered or given up. */
import type { Transport } from "../../mesh/index.ts";
import {
  type Clock,
  failureOf,
  type Member,
  type MemberId,
  type RoomCode,
  RoomError,
} from "../../shared/index.ts";
import { CLUSTER_VERSION, type ClusterMessage } from "./messages.ts";
import { post } from "./peer-outbox.ts";

type Welcome = Extract<ClusterMessage, { type: "welcome" }>;

export type JoiningOptions = {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly room: RoomCode;
  /** For the connection, and for the answer. */
  readonly answerMs: number;
  readonly introduction: () => Member;
  readonly isClosed: () => boolean;
  /** Called at once: the next message may be an event that follows this state. */
  readonly onWelcome: (welcome: Welcome) => void;
};

export function joining(options: JoiningOptions) {
  const { transport, clock, room, answerMs, introduction, isClosed, onWelcome } = options;
  let peer: MemberId | null = null;
  let settle: (error: RoomError | null) => void = () => undefined;
  const fail = (error: RoomError) => settle(error);
  return {
    /** The coordinator that has not answered yet. */
    get peer() {
      return peer;
    },
    fail,
    /** Resolves once this tab is admitted. Rejects with a `RoomError` or a `MeshError`. */
    async join(holder: MemberId): Promise<void> {
      await transport.connect(holder, answerMs).catch(failAtOnceIfRefused);
      if (isClosed()) throw new RoomError({ reason: "tab_left" });
      const admitted = new Promise<void>((resolve, reject) => {
        const cancelTimer = clock.after(answerMs, () =>
          fail(new RoomError({ reason: "coordinator_silent" })),
        );
        peer = holder;
        settle = (error) => {
          peer = null;
          settle = () => undefined;
          cancelTimer();
          if (error) reject(error);
          else resolve();
        };
      });
      const member = introduction();
      post(transport, holder, { type: "join", version: CLUSTER_VERSION, room, member });
      await admitted;
    },
    take(message: ClusterMessage): void {
      if (message.type === "refused") fail(new RoomError(message.refusal));
      if (message.type !== "welcome") return;
      onWelcome(message);
      settle(null);
    },
  };
}

/** A tab that was refused is refused again: a `RoomError` ends the search for the room. */
function failAtOnceIfRefused(error: unknown): never {
  const refusal = new RoomError(failureOf(error), { cause: error });
  throw refusal.code === "refused" ? refusal : error;
}
