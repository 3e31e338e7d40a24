/**
 * What a placement depends on, and what of it has changed, in words. While it
 * stays the same, the solver would only say the same again. Pure.
 */
import { brokenRules } from "../placement/index.ts";
import type { MemberId } from "../shared/ids.ts";
import { DEFAULT_PLACEMENT_RULES } from "../shared/placement-rules.ts";
import type { RoomState } from "../shared/state.ts";
import { describeBrokenRule } from "../words/index.ts";
import { steadyRatio } from "./room-problem.ts";

type MemberFacts = {
  readonly use: string;
  readonly memoryBytes: number;
  /** Names of the rules that the member breaks. */
  readonly broken: readonly string[];
  /** How much slower than measured, in steps that noise does not cross. */
  readonly pace: number;
};

export type Circumstances = {
  readonly settings: string;
  /** Ordered pairs that were measured. */
  readonly links: number;
  readonly members: Readonly<Record<MemberId, MemberFacts>>;
};

/** Paces are told apart by this factor. */
const PACE_STEP = 1.3;

export function circumstancesOf(state: RoomState): Circumstances {
  const { contextTokens, generationSlots, activations, placementRules } = state.settings;
  const members = state.members
    .filter(({ adapter, measurements }) => adapter && measurements)
    .map((member): [MemberId, MemberFacts] => [
      member.id,
      {
        use: member.use ?? "auto",
        memoryBytes: member.measurements?.memoryBudgetBytes ?? 0,
        broken: brokenBy(state, member).map(({ constraint }) => constraint),
        pace: paceOf((member.costRatio ?? 1) * steadyRatio(member.device?.throttleRatio ?? 1)),
      },
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const here = new Set(members.map(([id]) => id));
  return {
    settings: JSON.stringify([contextTokens, generationSlots, activations, placementRules ?? null]),
    links: state.links.filter(({ from, to }) => here.has(from) && here.has(to)).length,
    members: Object.fromEntries(members),
  };
}

/** The circumstances as one string. */
export function capacityKey(state: RoomState): string {
  return JSON.stringify(circumstancesOf(state));
}

/** What changed, as a sentence without its full stop; null when nothing did. Members by name. */
export function whatChanged(
  before: Circumstances | null,
  state: RoomState,
  nameOf: (id: MemberId) => string,
): string | null {
  const now = circumstancesOf(state);
  if (before === null) return "Another member coordinates the room";
  const changes: string[] = [];
  if (before.settings !== now.settings) changes.push("the settings changed");
  const ids = [...new Set([...Object.keys(before.members), ...Object.keys(now.members)])];
  for (const id of ids as MemberId[]) {
    const change = memberChange(before.members[id], now.members[id]);
    if (change !== null) changes.push(`${nameOf(id)} ${change}${brokenWords(state, id)}`);
  }
  if (changes.length === 0 && before.links !== now.links) changes.push("links were measured");
  const words = changes.join(", ");
  return words === "" ? null : words.charAt(0).toUpperCase() + words.slice(1);
}

function memberChange(before: MemberFacts | undefined, now: MemberFacts | undefined) {
  if (now === undefined) return before === undefined ? null : "left";
  if (before === undefined) return "joined";
  if (before.use !== now.use) {
    return { auto: "may be used or not", pin: "was pinned", exclude: "was excluded" }[now.use];
  }
  if (before.memoryBytes !== now.memoryBytes) return "was measured again";
  if (before.broken.length < now.broken.length) return "breaks a rule";
  if (before.broken.join() !== now.broken.join()) return "keeps the rules again";
  if (before.pace < now.pace) return "became slower";
  return before.pace > now.pace ? "became faster" : null;
}

/** " (reports critical pressure)", or nothing. */
function brokenWords(state: RoomState, id: MemberId): string {
  const member = state.members.find((each) => each.id === id);
  const reasons = member
    ? brokenBy(state, member).map((rule) => describeBrokenRule(rule, () => "it"))
    : [];
  return reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
}

function brokenBy({ settings, placement, models }: RoomState, member: RoomState["members"][0]) {
  const rules = settings.placementRules ?? DEFAULT_PLACEMENT_RULES;
  const model = placement?.model ?? models.at(-1);
  if (model === undefined) return [];
  return brokenRules(member, model, rules).filter(({ constraint }) => constraint !== "excluded");
}

function paceOf(ratio: number): number {
  return Math.round(Math.log(ratio) / Math.log(PACE_STEP));
}
