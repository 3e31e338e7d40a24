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

export class Joining {
  readonly #options: JoiningOptions;
  #peer: MemberId | null = null;
  #settle: (error: RoomError | null) => void = () => undefined;

  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  /** The coordinator that has not answered yet. */
  get peer(): MemberId | null {
    return this.#peer;
  }

  /** Resolves once this tab is admitted. Rejects with a `RoomError` or a `MeshError`. */
  async join(holder: MemberId): Promise<void> {
    const { transport, clock, room, answerMs, introduction, isClosed } = this.#options;
    await transport.connect(holder, answerMs).catch(failAtOnceIfRefused);
    if (isClosed()) throw new RoomError({ reason: "tab_left" });
    const admitted = new Promise<void>((resolve, reject) => {
      const cancelTimer = clock.after(answerMs, () =>
        this.fail(new RoomError({ reason: "coordinator_silent" })),
      );
      this.#peer = holder;
      this.#settle = (error) => {
        this.#peer = null;
        this.#settle = () => undefined;
        cancelTimer();
        if (error) reject(error);
        else resolve();
      };
    });
    post(transport, holder, {
      type: "join",
      version: CLUSTER_VERSION,
      room,
      member: introduction(),
    });
    await admitted;
  }

  take(message: ClusterMessage): void {
    if (message.type === "refused") this.fail(new RoomError(message.refusal));
    if (message.type !== "welcome") return;
    this.#options.onWelcome(message);
    this.#settle(null);
  }

  fail(error: RoomError): void {
    this.#settle(error);
  }
}

/** A tab that was refused is refused again: a `RoomError` ends the search for the room. */
function failAtOnceIfRefused(error: unknown): never {
  const refusal = new RoomError(failureOf(error), { cause: error });
  throw refusal.code === "refused" ? refusal : error;
}
