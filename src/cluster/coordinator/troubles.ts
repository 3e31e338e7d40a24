/**
 * What the reports of both ends say about a link, and those of all stages about a lap. Pure rules over
 * the reports that are open, and what keeps them.
 *
 *   both ends report a link         the link is lost
 *   one end alone                   the link is lost: one report does not show which end failed
 *   ... and the coordinator or a    the other's stage does not respond, although its tab does
 *   third member finds the same
 *   a lap is late at some stages    the first stage that does not say so has the lap and does not end it,
 *                                   if the coordinator or two stages say so
 *
 * The ends repair a link on their own first, so nothing is concluded before `repairMs`: a closed channel
 * is open again after two round trips, and a connection takes 0.1 s, at times 1 s. A member
 * whose own connection is lost leaves the room, and needs no verdict.
 */
import {
  type GenerationId,
  isBetween,
  type MemberId,
  pipelineLinks,
  type RoomEvent,
  type RoomState,
  type Trouble,
} from "../../shared/index.ts";
import type { CoordinatorParts } from "../parts.ts";

/** Of a slow link, which has longer than `repairMs`. */
const REPAIR_ROUND_TRIPS = 20;
/** The other end may report it too, and a worker that is restarted loads its layers again. */
const ONE_SIDED_FACTOR = 2;
/** How often open reports are checked while a link may be repaired. */
const CHECKS = 12;
/** Stages compute their bounds from what each measured, and check at different times. */
const LAP_REPORTS_MS = 2000;

export type LinkReport = {
  readonly from: MemberId;
  readonly peer: MemberId;
  readonly sinceMs: number;
};
export type LapReport = { readonly from: MemberId; readonly sinceMs: number };

export type TroubleView = Pick<CoordinatorParts, "isPresent"> & {
  readonly state: RoomState;
  readonly nowMs: number;
  readonly repairMs: number;
};

/** What is lost by now. */
export function verdicts(
  links: readonly LinkReport[],
  laps: readonly LapReport[],
  view: TroubleView,
): RoomEvent[] {
  const { state, nowMs } = view;
  const events: RoomEvent[] = [];
  const faulted = new Set<MemberId>();
  for (const { from, peer, sinceMs } of links) {
    if (!view.isPresent(peer) || !view.isPresent(from)) continue;
    const other = links.find((report) => report.from === peer && report.peer === from);
    const ageMs = nowMs - Math.min(sinceMs, other?.sinceMs ?? sinceMs);
    const boundMs = repairBoundMs(state, from, peer, view.repairMs);
    const both = [
      { from, to: peer },
      { from: peer, to: from },
    ];
    if (other !== undefined) {
      if (ageMs >= boundMs && from < peer) events.push({ type: "links_lost", links: both });
    } else if (ageMs >= ONE_SIDED_FACTOR * boundMs) {
      if (isSilent(links, state, peer)) faulted.add(peer);
      else events.push({ type: "links_lost", links: both });
    }
  }
  const stuck = stuckStage(laps, view);
  if (stuck !== null) faulted.add(stuck);
  return [...events, ...[...faulted].map(silent)];
}

/** How long the ends of a link may take to repair it. */
export function repairBoundMs(
  { links }: RoomState,
  one: MemberId,
  other: MemberId,
  minMs: number,
): number {
  const measured = links.filter((link) => isBetween(link, one, other));
  const roundTripMs = Math.max(0, ...measured.map((link) => link.roundTripMs));
  return Math.max(minMs, REPAIR_ROUND_TRIPS * roundTripMs);
}

/** Whether enough members report a stage that does not report the same of them. */
function isSilent(links: readonly LinkReport[], state: RoomState, member: MemberId): boolean {
  const reported = links.filter(({ from }) => from === member).map(({ peer }) => peer);
  const reporters = links
    .filter(({ peer, from }) => peer === member && !reported.includes(from))
    .map(({ from }) => from);
  return isEnough(reporters, state);
}

/** One report about another member is not enough, unless it is the coordinator's. */
function isEnough(reporters: readonly MemberId[], { coordinator }: RoomState): boolean {
  return reporters.length > 1 || reporters.includes(coordinator);
}

function stuckStage(laps: readonly LapReport[], view: TroubleView): MemberId | null {
  const { placement } = view.state;
  const reporters = laps.map(({ from }) => from);
  if (!placement || laps.length === 0 || !isEnough(reporters, view.state)) return null;
  const firstMs = Math.min(...laps.map(({ sinceMs }) => sinceMs));
  if (view.nowMs - firstMs < LAP_REPORTS_MS) return null;
  const stage = placement.stages.find(({ member }) => !reporters.includes(member));
  // If all wait, a frame was lost between them: the requester asks again.
  return stage !== undefined && view.isPresent(stage.member) ? stage.member : null;
}

function silent(member: MemberId): RoomEvent {
  return { type: "member_faulted", member, cause: { reason: "stage_silent", member } };
}

export function troubleReports(parts: Omit<CoordinatorParts, "planner" | "random">) {
  const { clock, state, isPresent, emit, onSettled } = parts;
  const { repairMs } = parts.timings;
  let links: LinkReport[] = [];
  let laps: LapReport[] = [];
  let lapsOf: number | null = null;
  let cancel: (() => void) | null = null;

  const checkLater = () => {
    if (cancel !== null || links.length + laps.length === 0) return;
    cancel = clock.after(repairMs / CHECKS, check);
  };

  const check = () => {
    cancel = null;
    if (state().placement?.id !== lapsOf) laps = [];
    const view = { state: state(), nowMs: clock.nowMs(), isPresent, repairMs };
    const events = verdicts(links, laps, view);
    const oldMs = view.nowMs - 2 * LAP_REPORTS_MS;
    laps = events.length > 0 ? [] : laps.filter(({ sinceMs }) => sinceMs > oldMs);
    for (const event of events) {
      if (event.type === "links_lost")
        links = links.filter(
          ({ from, peer }) => !event.links.some((one) => isBetween(one, from, peer)),
        );
      if (event.type === "member_faulted") forget(event.member);
    }
    for (const event of events) emit(event);
    checkLater();
  };

  /** Reports of and about it say nothing any more. */
  const forget = (member: MemberId) => {
    links = links.filter((report) => !isEnd(report, member));
  };

  /** Others wait for the slot. */
  const promptMissing = (from: MemberId, generation: GenerationId) => {
    const { placement, generations } = state();
    const running = generations.find(({ id, status }) => id === generation && status === "running");
    if (!running || placement?.stages[0]?.member !== from) return;
    const error = { reason: "prompt_missing", requester: running.requester } as const;
    emit({ type: "generation_ended", generation, outcome: "interrupted", tokens: 0, error });
  };

  return {
    forget,
    stop(): void {
      cancel?.();
      links = [];
      laps = [];
    },
    /** A link between two neighbors of the placement is down. */
    get repairing(): boolean {
      const used = pipelineLinks(state().placement?.stages ?? []);
      return links.some(({ from, peer }) => used.some((link) => isBetween(link, from, peer)));
    },
    take(from: MemberId, trouble: Trouble): void {
      const sinceMs = clock.nowMs();
      switch (trouble.kind) {
        case "link_down":
          if (links.some((report) => report.from === from && report.peer === trouble.peer)) return;
          links.push({ from, peer: trouble.peer, sinceMs });
          return checkLater();
        case "link_restored":
          // A frame went both ways, whatever the other end has noticed.
          links = links.filter((report) => !(isEnd(report, from) && isEnd(report, trouble.peer)));
          return onSettled();
        case "shard_failed":
          if (state().placement?.id === trouble.placement)
            emit({ type: "member_faulted", member: from, cause: trouble.cause });
          return;
        case "prompt_missing":
          return promptMissing(from, trouble.generation);
        case "lap_late":
          if (lapsOf !== trouble.placement) laps = [];
          lapsOf = trouble.placement;
          if (!laps.some((report) => report.from === from)) laps.push({ from, sinceMs });
          return checkLater();
      }
    },
  };
}

function isEnd({ from, peer }: LinkReport, member: MemberId): boolean {
  return from === member || peer === member;
}
