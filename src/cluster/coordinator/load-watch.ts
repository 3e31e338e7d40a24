/**
 * Notices a member that takes layers and does not load them: the whole room would wait for it. Pure rules
 * over what the watch has seen of a placement that loads, and the watch that sees it.
 *
 *   silence   nothing new is loaded for `silenceMs`, or for four times the member's longest pause so far
 *   delay     all others have loaded, and it takes 20 times as long for each byte as the slowest of them
 */
import {
  LoadPhase,
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

/** When the load of `member` counts as stalled unless something new is loaded; null if it has loaded. */
export function stallsAtMs(view: LoadView, member: MemberId): number | null {
  const { placement, sinceMs, silenceMs, seen } = view;
  const own = seen.get(member);
  if (own === undefined || own.readyMs !== null) return null;
  const silentMs = own.atMs + Math.max(silenceMs, PAUSE_FACTOR * own.longestPauseMs);
  const others = placement.stages.filter((stage) => stage.member !== member);
  const paces = others.map((stage) => {
    const readyMs = seen.get(stage.member)?.readyMs ?? null;
    return readyMs === null ? null : (readyMs - sinceMs) / bytesOf(placement, stage);
  });
  if (others.length === 0 || !paces.every((pace) => pace !== null)) return silentMs;
  const stage = placement.stages.find((one) => one.member === member);
  const expectedMs = Math.max(...paces) * (stage ? bytesOf(placement, stage) : 0);
  return Math.min(silentMs, sinceMs + Math.max(MIN_LOAD_MS, DELAY_FACTOR * expectedMs));
}

type WatchedLoad = LoadView & { readonly seen: Map<MemberId, LoadSeen> };

export function loadWatch({
  clock,
  timings,
  state,
  emit,
}: Pick<CoordinatorParts, "clock" | "timings" | "state" | "emit">) {
  let watched: WatchedLoad | null = null;
  /** Members whose stalled load of this placement was reported: once each. */
  const reported = new Set<MemberId>();
  let cancel = () => undefined as void;

  const stop = () => {
    cancel();
    watched = null;
    reported.clear();
  };

  const shardOf = (member: MemberId) =>
    state().members.find(({ id }) => id === member)?.shard ?? null;

  const update = (view: WatchedLoad) => {
    const nowMs = clock.nowMs();
    for (const { member } of view.placement.stages) {
      const shard = shardOf(member);
      const progress = shard === null ? 0 : progressOf(shard);
      const before = view.seen.get(member);
      if (before !== undefined && progress <= before.progress) continue;
      const pauseMs = before === undefined ? 0 : nowMs - before.atMs;
      const longestPauseMs = Math.max(pauseMs, before?.longestPauseMs ?? 0);
      const readyMs = shard?.status === "ready" ? nowMs : null;
      view.seen.set(member, { progress, atMs: nowMs, longestPauseMs, readyMs });
    }
  };

  const stallMsOf = (view: WatchedLoad, member: MemberId) =>
    reported.has(member) ? Infinity : (stallsAtMs(view, member) ?? Infinity);

  const wait = (view: WatchedLoad) => {
    cancel();
    cancel = () => undefined;
    const endMs = Math.min(...view.placement.stages.map(({ member }) => stallMsOf(view, member)));
    if (endMs === Infinity) return;
    cancel = clock.after(Math.max(0, endMs - clock.nowMs()), () => check(view));
  };

  const check = (view: WatchedLoad) => {
    const nowMs = clock.nowMs();
    const stalled = view.placement.stages.find(({ member }) => stallMsOf(view, member) <= nowMs);
    if (stalled === undefined) return wait(view);
    const { member } = stalled;
    reported.add(member);
    const { loadedBytes = 0 } = shardOf(member) ?? {};
    const totalBytes = bytesOf(view.placement, stalled);
    const waitedMs = nowMs - view.sinceMs;
    const cause = { reason: "load_stalled", member, loadedBytes, totalBytes, waitedMs } as const;
    emit({ type: "member_faulted", member, cause });
  };

  return {
    stop,
    /** After every event. */
    note(): void {
      const { placement } = state();
      const isLoading = placement !== null && !placement.ready && placement.error === null;
      if (!isLoading) return stop();
      if (watched?.placement.id !== placement.id) {
        stop();
        watched = {
          placement,
          sinceMs: clock.nowMs(),
          silenceMs: timings.loadSilenceMs,
          seen: new Map(),
        };
      }
      update(watched);
      wait(watched);
    },
  };
}

function progressOf({ phase, loadedBytes }: ShardState): number {
  return LoadPhase.options.indexOf(phase) * MAX_BYTES + Math.min(loadedBytes, MAX_BYTES - 1);
}

/** At least 1, so that a pace is finite. */
function bytesOf({ model }: Placement, { first, end }: Stage): number {
  const layers = model.layers.slice(first, end);
  return layers.reduce((sum, { weightBytes }) => sum + weightBytes, 1);
}
