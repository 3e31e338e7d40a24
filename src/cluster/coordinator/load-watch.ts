/**
 * Notices a member that takes layers and does not load them: the whole room would wait for it. Checked
 * after every event, since device states come as long as there are members.
 *
 *   silence   nothing new is loaded for `silenceMs`, or for four times the member's longest pause so far
 *   delay     all others have loaded, and it takes 20 times as long as the slowest of them
 *
 * The loads that it sees show how fast members load weights.
 */
import {
  LoadPhase,
  type Member,
  type MemberId,
  type Placement,
  type ShardState,
  type Stage,
} from "../../shared/index.ts";
import type { CoordinatorParts } from "../parts.ts";

const PAUSE_FACTOR = 4;
/** A member that loads from a slow disk or network has at least this long in all. */
export const MIN_LOAD_MS = 15 * 60_000;
const DELAY_FACTOR = 20;
/** Before the first measurement: weights from this machine's storage to the GPU. */
const DEFAULT_BYTES_PER_MS = 50_000;
/** A faster load is too short to measure a rate. */
const MIN_MEASURED_MS = 100;
/** Of one shard, so that a later phase always counts as more. */
const MAX_BYTES = 2 ** 50;

/** What has been seen of one member's load. */
export type LoadSeen = {
  /** Rises with each phase, and within one with the bytes that are loaded. */
  readonly progress: number;
  readonly atMs: number;
  readonly longestPauseMs: number;
  /** null until it has loaded. */
  readonly readyMs: number | null;
};

export type LoadView = {
  readonly placement: Placement;
  readonly sinceMs: number;
  readonly silenceMs: number;
  readonly seen: ReadonlyMap<MemberId, LoadSeen>;
};

/** When the load of `member` counts as stalled unless something new is loaded; Infinity if it has loaded. */
export function stallsAtMs({ placement, sinceMs, silenceMs, seen }: LoadView, member: MemberId) {
  const own = seen.get(member);
  if (own === undefined || own.readyMs !== null) return Infinity;
  const silentMs = own.atMs + Math.max(silenceMs, PAUSE_FACTOR * own.longestPauseMs);
  const others = placement.stages.filter((stage) => stage.member !== member);
  if (others.length === 0) return silentMs;
  const slowestMs = Math.max(...others.map((one) => seen.get(one.member)?.readyMs ?? Infinity));
  const delayMs = Math.max(MIN_LOAD_MS, DELAY_FACTOR * (slowestMs - sinceMs));
  return Math.min(silentMs, sinceMs + delayMs);
}

export class LoadWatch {
  readonly #parts: Pick<CoordinatorParts, "clock" | "timings" | "state" | "emit">;
  #watched: (LoadView & { readonly seen: Map<MemberId, LoadSeen> }) | null = null;
  /** Members whose stalled load of this placement was reported: once each. */
  readonly #reported = new Set<MemberId>();
  #bytesPerMs = DEFAULT_BYTES_PER_MS;

  constructor(parts: Pick<CoordinatorParts, "clock" | "timings" | "state" | "emit">) {
    this.#parts = parts;
  }

  /** How fast members load weights, from the last placement that loaded. */
  get bytesPerMs(): number {
    return this.#bytesPerMs;
  }

  /** After every event. */
  note(): void {
    const { clock, timings, state } = this.#parts;
    const { placement, members } = state();
    const nowMs = clock.nowMs();
    if (placement === null || placement.ready || placement.error !== null) {
      if (placement?.ready && this.#watched?.placement.id === placement.id)
        this.#measure(nowMs - this.#watched.sinceMs, members);
      this.#watched = null;
      return;
    }
    if (this.#watched?.placement.id !== placement.id) {
      const silenceMs = timings.loadSilenceMs;
      this.#watched = { placement, sinceMs: nowMs, silenceMs, seen: new Map() };
      this.#reported.clear();
    }
    const watched = this.#watched;
    const { seen } = watched;
    for (const stage of placement.stages) {
      const shard = members.find(({ id }) => id === stage.member)?.shard ?? null;
      const before = seen.get(stage.member);
      const progress = shard === null ? 0 : progressOf(shard);
      if (before === undefined || progress > before.progress)
        seen.set(stage.member, {
          progress,
          atMs: nowMs,
          longestPauseMs: before ? Math.max(nowMs - before.atMs, before.longestPauseMs) : 0,
          readyMs: shard?.status === "ready" ? nowMs : null,
        });
      else if (stallsAtMs(watched, stage.member) <= nowMs)
        this.#report(watched, stage, shard, nowMs);
    }
  }

  /** Members load at the same time: the one with the most bytes decides. */
  #measure(elapsedMs: number, members: readonly Member[]): void {
    const largestBytes = Math.max(...members.map(({ shard }) => shard?.totalBytes ?? 0));
    if (elapsedMs >= MIN_MEASURED_MS && largestBytes > 0)
      this.#bytesPerMs = largestBytes / elapsedMs;
  }

  #report(
    { placement, sinceMs }: LoadView,
    stage: Stage,
    shard: ShardState | null,
    nowMs: number,
  ): void {
    const { member } = stage;
    if (this.#reported.has(member)) return;
    this.#reported.add(member);
    const { loadedBytes = 0 } = shard ?? {};
    const totalBytes = bytesOf(placement, stage);
    const waitedMs = nowMs - sinceMs;
    const cause = { reason: "load_stalled", member, loadedBytes, totalBytes, waitedMs } as const;
    this.#parts.emit({ type: "member_faulted", member, cause });
  }
}

function progressOf({ phase, loadedBytes }: ShardState): number {
  return LoadPhase.options.indexOf(phase) * MAX_BYTES + Math.min(loadedBytes, MAX_BYTES - 1);
}

function bytesOf({ model }: Placement, { first, end }: Stage): number {
  return model.layers.slice(first, end).reduce((sum, { weightBytes }) => sum + weightBytes, 0);
}
