/**
 * Finds a coordinator again, or elects one: asks every member that it knows and the holder of the
 * room's name, and acts on the answers. Tries for as long as the tab is in the room.
 */
import { type MemberId, RoomError } from "../../shared/index.ts";
import type { SearchParts } from "../parts.ts";
import type { Standing } from "./messages.ts";
import type { RoomAccess } from "./room-access.ts";
import { electionStep, type ElectionView } from "./standing.ts";

export type RecoveryParts = SearchParts &
  Pick<ElectionView, "others" | "left" | "lost"> & {
    readonly room: Pick<RoomAccess, "state">;
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

export function recovery(parts: RecoveryParts) {
  const { self, registry, clock, random, timings, room, isConnected } = parts;
  const { others, left, lost, outranked, ask, join, lead } = parts;
  const answers = new Map<MemberId, { readonly standing: Standing; readonly atMs: number }>();
  const sinceMs = clock.nowMs();
  let reachesServer = false;
  /** A holder of the room's name that answered. */
  let held: { readonly id: MemberId; readonly atMs: number } | null = null;
  let asksServer = false;
  let askedServerMs = -Infinity;
  let wake: () => void = () => undefined;
  let stopped = false;

  /**
   * Whether the server can be reached, and who holds the room's name there. A partition may last for hours, and
   * each look-up is a WebSocket.
   */
  const askServer = async (nowMs: number) => {
    const isEarly = nowMs - sinceMs >= OFTEN_MS && nowMs - askedServerMs < RARELY_MS;
    if (asksServer || isEarly) return;
    asksServer = true;
    askedServerMs = nowMs;
    try {
      reachesServer = await registry.reachesServer();
      const holder = reachesServer ? await registry.lookUp() : null;
      if (holder === null || holder === self || stopped) return;
      // Another room of this code, which a newcomer opened, stops nobody.
      const isKnown = others.includes(holder) || room.state.members.some(({ id }) => id === holder);
      if (isKnown) held = { id: holder, atMs: clock.nowMs() };
      ask(holder);
    } catch {
      // A holder that does not answer; `run` asks again.
    } finally {
      asksServer = false;
    }
  };

  const nextStep = () => {
    const nowMs = clock.nowMs();
    const standings = new Map<MemberId, Standing>();
    for (const [peer, { standing, atMs }] of answers) {
      const isFresh = nowMs - atMs <= FRESH_RETRIES * timings.retryMs;
      if (isFresh && isConnected(peer)) standings.set(peer, standing);
    }
    const elapsedMs = nowMs - sinceMs;
    const isHeld = held !== null && nowMs - held.atMs <= timings.isolationMs;
    const holder = isHeld ? (held?.id ?? null) : null;
    const known = { self, state: room.state, others, standings, left, lost, timings };
    const step = electionStep({ ...known, elapsedMs, reachesServer, holder });
    if (step.kind !== "lead" || outranked === 0) return step;
    const waitMs = Math.min(timings.isolationMs * 2 ** outranked, MAX_OUTRANKED_MS);
    return elapsedMs >= waitMs ? step : ({ kind: "wait" } as const);
  };

  /** Until an answer comes, at most `ms`. */
  const pause = (ms: number): Promise<void> => {
    if (stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  };

  return {
    stop(): void {
      stopped = true;
      wake();
    },
    /** What a peer said of its coordinator. */
    take(peer: MemberId, standing: Standing): void {
      answers.set(peer, { standing, atMs: clock.nowMs() });
      wake();
    },
    /** Rejects with a `RoomError` if the room refuses this tab for good. */
    async run(): Promise<void> {
      let askedMs = -Infinity;
      while (!stopped) {
        const nowMs = clock.nowMs();
        if (nowMs - askedMs >= timings.retryMs) {
          askedMs = nowMs;
          const known = new Set([...room.state.members.map(({ id }) => id), ...others]);
          for (const id of known) if (id !== self) ask(id);
          // By then, most elections are over.
          if (nowMs - sinceMs >= timings.retryMs) void askServer(nowMs);
        }
        const step = nextStep();
        if (step.kind === "lead") return lead(step.epoch, step.ownsModel);
        if (step.kind === "ask") ask(step.member);
        if (step.kind === "join") {
          try {
            return await join(step.member);
          } catch (error) {
            if (error instanceof RoomError && error.code === "refused") throw error;
            answers.delete(step.member);
          }
        }
        await pause(timings.retryMs * (0.5 + random()));
      }
    },
  };
}
