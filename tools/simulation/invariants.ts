/**
 * What must hold in every run.
 *
 *   one coordinator   the events of a term that anyone applied were numbered by its coordinator, once
 *   one log           two members that applied an event of the same term and index applied the same
 *   one room          after the last fault all tabs are in one room with one state, and its coordinator
 *                     has the room's name and the bridge
 *   one bridge        coordinators do not replace each other at the bridge in turn
 *   short overlap     once everything reaches everything, two coordinators become one within 2 s
 *   answers end       each with its tokens or with a reason that a room may give, or it waits for a member
 *   right tokens      those of an undisturbed run, also after an interruption
 *   no leaks          after all left: no timers, no listeners, no links
 *   no crash          no rejection that nobody handles
 */
import { isDeepStrictEqual } from "node:util";
import type { RoomClient } from "../../src/cluster/index.ts";
import type { RoomFailure } from "../../src/shared/index.ts";
import type { SimulatedAnswer, SimulatedRoom, SimulatedTab } from "./simulated-room.ts";

export type Invariant =
  | "one_coordinator"
  | "one_log"
  | "one_room"
  | "one_bridge"
  | "short_overlap"
  | "answers_end"
  | "right_tokens"
  | "no_leaks"
  | "no_crash";

export type Violation = { readonly invariant: Invariant; readonly detail: string };
export type Violate = (invariant: Invariant, detail: string) => void;

/** A requester gives up on links that stay cut. */
const MAX_RESUMES = 8;

/**
 * Reasons for which an answer may end without its tokens: the members that are there cannot hold the
 * model, or two of its stages cannot reach each other. A placement around a cut link is not tried.
 */
const ACCEPTED: ReadonlySet<RoomFailure["reason"]> = new Set([
  "not_placed_again",
  "no_model_placed",
  "stage_load_failed",
]);

/**
 * Follows what each tab applies. A term is an epoch and the member that opened it; of each term, only
 * what its coordinator has numbered may be applied.
 */
export class LogCheck {
  readonly #violate: Violate;
  /** By term and index, as JSON. */
  readonly #numbered = new Map<string, string>();

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  watch(tab: SimulatedTab, client: RoomClient): void {
    client.subscribe(({ event: indexed }) => {
      if (indexed === null) return;
      const { epoch, index, event } = indexed;
      const { coordinator } = client.state;
      const key = `${epoch} of ${coordinator}/${index}`;
      const json = JSON.stringify(event);
      const known = this.#numbered.get(key);
      if (coordinator === tab.id) {
        if (known !== undefined) this.#violate("one_coordinator", `${key} is numbered twice`);
        this.#numbered.set(key, json);
      } else if (known === undefined) {
        this.#violate("one_coordinator", `${tab.id} applies ${key}: ${json}, which has no number`);
      } else if (!isSame(known, json)) {
        this.#violate("one_log", `${tab.id} at ${key}: ${json} instead of ${known}`);
      }
    });
  }
}

export function presentTabs(room: SimulatedRoom): SimulatedTab[] {
  return room.tabs.filter(({ actor, left }) => actor.state !== "dead" && !left);
}

/** Why the tabs are not one room that is at rest, or null. */
export function disagreement(room: SimulatedRoom): string | null {
  const tabs = presentTabs(room);
  const [first] = tabs;
  if (!first) return null;
  const outside = tabs.find(({ client }) => client?.connection !== "connected");
  if (outside) return `${outside.id} is ${outside.client?.connection ?? "not in the room"}`;
  const coordinators = tabs.filter(({ client }) => client?.coordinates).map(({ id }) => id);
  if (coordinators.length !== 1) return `coordinators: ${coordinators.join(", ") || "none"}`;
  const { state } = first.client!;
  const behind = tabs.find(({ client }) => client!.state.nextIndex !== state.nextIndex);
  if (behind)
    return `${behind.id} has ${behind.client!.state.nextIndex} events, ${first.id} ${state.nextIndex}`;
  const expected = JSON.stringify(state);
  const other = tabs.find(({ client }) => !isSame(JSON.stringify(client!.state), expected));
  if (other) return `${other.id} has another state than ${first.id}`;
  const members = state.members.map(({ id }) => id as string).sort();
  const present = tabs.map(({ id }) => id as string).sort();
  if (members.join() !== present.join()) {
    return `members ${members.join()}, present ${present.join()}`;
  }
  const waiting = room.answers.filter(waitsForMember).map(({ tab }) => tab.id);
  const unknown = state.generations.find(({ requester }) => !waiting.includes(requester));
  if (unknown) return `an answer of ${unknown.requester} is in the state: ${unknown.status}`;
  const { names, bridge } = room;
  if (names.holder !== coordinators[0]) return `${names.holder} has the name`;
  return bridge.holder === coordinators[0] ? null : `${bridge.holder} has the bridge`;
}

export function checkAnswer(answer: SimulatedAnswer, violate: Violate): void {
  const { tokens, expected, end, tab, events } = answer;
  const told = `${tab.id}: ${events.join(" ")}`;
  if (tokens.some((token, index) => token !== expected[index])) {
    violate("right_tokens", `${tokens.join()} instead of ${expected.join()}; ${told}`);
  } else if (!isOver(answer)) violate("answers_end", `no end; ${told}`);
  else if (end?.kind === "finished" && !tab.left && tokens.length !== expected.length) {
    violate("right_tokens", `${tokens.length} of ${expected.length} tokens; ${told}`);
  } else if (end?.kind === "failed" && !tab.left && !isAccepted(answer, end.failure)) {
    violate("answers_end", `${JSON.stringify(end.failure)}; ${told}`);
  }
}

/** So many replacements in so short a time are not one election after another. */
const MAX_REPLACEMENTS = { count: 5, withinMs: 10_000 };

export function checkBridge({ bridge: { replacedMs } }: SimulatedRoom, violate: Violate): void {
  const { count, withinMs } = MAX_REPLACEMENTS;
  const at = replacedMs.find(
    (ms, index) => (replacedMs[index + count] ?? Infinity) - ms < withinMs,
  );
  if (at !== undefined) violate("one_bridge", `${count + 1} replacements from ${at} ms on`);
}

/** Checks from time to time whether two tabs coordinate although everything reaches everything. */
export class OverlapCheck {
  readonly #room: SimulatedRoom;
  readonly #violate: Violate;
  #sinceMs: number | null = null;
  longestMs = 0;

  constructor(room: SimulatedRoom, violate: Violate) {
    this.#room = room;
    this.#violate = violate;
  }

  look(isHealthy: boolean): void {
    const { world } = this.#room;
    const leading = presentTabs(this.#room).filter(
      ({ actor, client }) => actor.state === "running" && client?.coordinates,
    );
    if (!isHealthy || leading.length < 2) this.#sinceMs = null;
    else this.#sinceMs ??= world.nowMs;
    if (this.#sinceMs === null) return;
    const overlapMs = world.nowMs - this.#sinceMs;
    if (overlapMs > MAX_OVERLAP_MS && this.longestMs <= MAX_OVERLAP_MS) {
      this.#violate(
        "short_overlap",
        `${leading.map(({ id }) => id).join()} until ${world.nowMs} ms`,
      );
    }
    this.longestMs = Math.max(this.longestMs, overlapMs);
  }
}
const MAX_OVERLAP_MS = 2000;

/** After the tab has left. */
export function checkLeaks({ id, actor, transport }: SimulatedTab, violate: Violate): void {
  if (actor.state === "dead") return;
  const { subscriptions, ends } = transport;
  if (actor.timers + subscriptions + ends.size === 0) return;
  const left = `${actor.timers} timers, ${subscriptions} listeners, ${ends.size} links`;
  violate("no_leaks", `${id}: ${left}`);
}

/** It has ended, or waits for a member because the model does not fit. */
export function isOver(answer: SimulatedAnswer): boolean {
  const { end, tab } = answer;
  return end !== null || tab.actor.state === "dead" || tab.left || waitsForMember(answer);
}

/** It waits for a member, and the room says that the model does not fit. */
export function waitsForMember({ end, tab, progress }: SimulatedAnswer): boolean {
  const error = tab.client?.state.placement?.error;
  return (
    end === null && progress?.kind === "waiting_for_member" && error?.reason === "not_placed_again"
  );
}

function isAccepted({ events }: SimulatedAnswer, { reason }: RoomFailure): boolean {
  const attempts = events.filter((kind) => kind === "queued").length;
  return ACCEPTED.has(reason) || attempts > MAX_RESUMES;
}

/** Whether two JSON texts have the same value; the order of keys is lost on the way. */
function isSame(left: string, right: string): boolean {
  return left === right || isDeepStrictEqual(JSON.parse(left), JSON.parse(right));
}
