/**
 * Finds a coordinator again, or elects one: asks every member that it knows and the holder of the
 * room's name, and acts on the answers. Tries for as long as the tab is in the room.
 */
import { type MemberId, RoomError, type RoomState } from "../../shared/index.ts";
import type { SearchParts } from "../parts.ts";
import type { Standing } from "./messages.ts";
import { electionStep, type ElectionView } from "./standing.ts";

export type RecoveryParts = SearchParts &
  Pick<ElectionView, "others" | "left" | "lost"> & {
    readonly state: () => RoomState;
    readonly isConnected: (peer: MemberId) => boolean;
    /**
     * How often in a row this tab stepped down for a coordinator that it does not reach. It waits for twice
     * as long each time before it leads again.
     */
    readonly outranked: number;
    /** Connects, and sends this member's standing; the answer comes to `take`. Never rejects. */
    readonly ask: (peer: MemberId) => void;
    readonly join: (peer: MemberId) => Promise<void>;
    /** Coordinates from now on, in an epoch above this one. */
    readonly lead: (epoch: number, ownsModel: boolean) => void;
  };

/** An older answer says nothing of a peer that may have fallen silent. */
const FRESH_RETRIES = 5;
const MAX_OUTRANKED_MS = 60_000;
/** For so long the server is asked with every attempt, then less often; a holder's answer counts longer. */
const OFTEN_MS = 10_000;
const RARELY_MS = 2000;

export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #answers = new Map<MemberId, { readonly standing: Standing; readonly atMs: number }>();
  readonly #sinceMs: number;
  #reachesServer = false;
  /** A holder of the room's name that answered. */
  #holder: { readonly id: MemberId; readonly atMs: number } | null = null;
  #asksServer = false;
  #askedServerMs = -Infinity;
  #wake: () => void = () => undefined;
  #stopped = false;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.nowMs();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** What a peer said of its coordinator. */
  take(peer: MemberId, standing: Standing): void {
    this.#answers.set(peer, { standing, atMs: this.#parts.clock.nowMs() });
    this.#wake();
  }

  /** Rejects with a `RoomError` if the room refuses this tab for good. */
  async run(): Promise<void> {
    const { clock, timings, random, state, self, others, ask, join, lead } = this.#parts;
    let askedMs = -Infinity;
    while (!this.#stopped) {
      const nowMs = clock.nowMs();
      if (nowMs - askedMs >= timings.retryMs) {
        askedMs = nowMs;
        const known = new Set([...state().members.map(({ id }) => id), ...others]);
        for (const id of known) if (id !== self) ask(id);
        // By then, most elections are over.
        if (nowMs - this.#sinceMs >= timings.retryMs) this.#askServerAgain(nowMs);
      }
      const step = this.#next();
      if (step.kind === "lead") return lead(step.epoch, step.ownsModel);
      if (step.kind === "ask") ask(step.member);
      if (step.kind === "join") {
        try {
          return await join(step.member);
        } catch (error) {
          if (error instanceof RoomError && error.code === "refused") throw error;
          this.#answers.delete(step.member);
        }
      }
      await this.#pause(timings.retryMs * (0.5 + random()));
    }
  }

  #next() {
    const { self, state, clock, timings, others, left, lost, outranked, isConnected } = this.#parts;
    const nowMs = clock.nowMs();
    const standings = new Map<MemberId, Standing>();
    for (const [peer, { standing, atMs }] of this.#answers) {
      const isFresh = nowMs - atMs <= FRESH_RETRIES * timings.retryMs;
      if (isFresh && isConnected(peer)) standings.set(peer, standing);
    }
    const elapsedMs = nowMs - this.#sinceMs;
    const held = this.#holder;
    const isHeld = held !== null && nowMs - held.atMs <= timings.isolationMs;
    const step = electionStep({
      self,
      state: state(),
      others,
      standings,
      left,
      lost,
      elapsedMs,
      reachesServer: this.#reachesServer,
      holder: isHeld ? held.id : null,
      timings,
    });
    if (step.kind !== "lead" || outranked === 0) return step;
    const waitMs = Math.min(timings.isolationMs * 2 ** outranked, MAX_OUTRANKED_MS);
    return elapsedMs >= waitMs ? step : ({ kind: "wait" } as const);
  }

  /** A partition may last for hours, and each look-up is a WebSocket. */
  #askServerAgain(nowMs: number): void {
    const isNew = nowMs - this.#sinceMs < OFTEN_MS;
    if (!isNew && nowMs - this.#askedServerMs < RARELY_MS) return;
    this.#askedServerMs = nowMs;
    void this.#askServer();
  }

  /** Whether the server can be reached, and who holds the room's name there. */
  async #askServer(): Promise<void> {
    const { registry, self, clock, state, others, ask } = this.#parts;
    if (this.#asksServer) return;
    this.#asksServer = true;
    try {
      this.#reachesServer = await registry.reachesServer();
      const holder = this.#reachesServer ? await registry.lookUp() : null;
      if (holder === null || holder === self || this.#stopped) return;
      // Another room of this code, which a newcomer opened, stops nobody.
      const isKnown = others.includes(holder) || state().members.some(({ id }) => id === holder);
      if (isKnown) this.#holder = { id: holder, atMs: clock.nowMs() };
      ask(holder);
    } catch {
      // A holder that does not answer; `run` asks again.
    } finally {
      this.#asksServer = false;
    }
  }

  /** Until an answer comes, at most `ms`. */
  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
