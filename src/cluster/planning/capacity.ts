/**
 * The capacity of a room: what a placement depends on, and how it changed. While it is
 * the same, the solver would give the same answer. Pure.
 */
import { brokenRules } from "../../placement/index.ts";
import {
  type CapacityChange,
  type MemberId,
  type ModelSummary,
  type Member,
  type BrokenRule,
  DEFAULT_PLACEMENT_RULES,
  type RoomState,
  slowdownOf,
} from "../../shared/index.ts";
import { layerLimits } from "./layer-limits.ts";

export type Capacity = ReturnType<typeof capacityOf>;
type MemberCapacity = Capacity["members"][MemberId];

/** The ratio between two steps of `slowdown`. */
const SLOWDOWN_STEP = 1.3;

export function capacityOf(state: RoomState) {
  const { contextTokens, generationSlots, activations, placementRules } = state.settings;
  const model = modelOf(state);
  const limits = model === undefined ? new Map() : layerLimits(state, model);
  const capacityOfMember = (member: Member) => ({
    use: member.use ?? "auto",
    memoryBytes: member.measurements?.memoryBudgetBytes ?? 0,
    /** Names of the rules that the member breaks. */
    broken: brokenBy(state, member).map(({ constraint }) => constraint),
    /** How often its layers failed: a placement is tried again after each time. */
    faults: member.fault?.count ?? 0,
    /** It gets few layers until it has served laps. */
    limited: limits.has(member.id),
    /** How much slower than measured, in steps larger than the noise. */
    slowdown: stepOf(slowdownOf(member)),
  });
  const members = state.members
    .filter(({ adapter, measurements }) => adapter && measurements)
    .map((member) => [member.id, capacityOfMember(member)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const here = new Set(members.map(([id]) => id));
  const links = state.links
    .filter(({ from, to }) => here.has(from) && here.has(to))
    .map(({ from, to, roundTripMs }) => [from, to, roundTripStep(roundTripMs)])
    .sort();
  return {
    settings: JSON.stringify([contextTokens, generationSlots, activations, placementRules ?? null]),
    /** Ordered pairs that were measured, with their round trips in steps larger than the noise. */
    links: JSON.stringify(links),
    members: Object.fromEntries(members) as Readonly<
      Record<MemberId, ReturnType<typeof capacityOfMember>>
    >,
  };
}

/** The capacity as one string, to compare. */
export function capacityKey(state: RoomState): string {
  return JSON.stringify(capacityOf(state));
}

/** What changed since `before`, which is null for a coordinator that has just taken over. */
export function capacityChanges(before: Capacity | null, state: RoomState): CapacityChange[] {
  const now = capacityOf(state);
  if (before === null) return [{ kind: "coordinator" }];
  const changes: CapacityChange[] = [];
  if (before.settings !== now.settings) changes.push({ kind: "settings" });
  const ids = [...new Set([...Object.keys(before.members), ...Object.keys(now.members)])];
  for (const id of ids as MemberId[]) {
    const change = memberChange(before.members[id], now.members[id]);
    if (change === null) continue;
    const member = state.members.find((each) => each.id === id);
    const broken = member ? brokenBy(state, member) : [];
    const isAhead = change === "slower" && member !== undefined && isForecast(member);
    const kind = isAhead ? "slows_soon" : change;
    changes.push({ kind: "member", member: id, change: kind, brokenRules: broken });
  }
  if (changes.length === 0 && before.links !== now.links) changes.push({ kind: "links" });
  return changes;
}

function memberChange(before: MemberCapacity | undefined, now: MemberCapacity | undefined) {
  if (now === undefined) return before === undefined ? null : "left";
  if (before === undefined) return "joined";
  if (before.use !== now.use) {
    return ({ auto: "released", pin: "pinned", exclude: "excluded" } as const)[now.use];
  }
  if (before.memoryBytes !== now.memoryBytes) return "measured";
  if (before.broken.length < now.broken.length) return "violates_rule";
  if (before.broken.join() !== now.broken.join()) return "no_longer_violates";
  if (before.limited && !now.limited) return "proved_speed";
  if (before.slowdown < now.slowdown) return "slower";
  return before.slowdown > now.slowdown ? "faster" : null;
}

/** Without exclusion, which is a change of its own. */
function brokenBy(state: RoomState, member: Member): BrokenRule[] {
  const rules = state.settings.placementRules ?? DEFAULT_PLACEMENT_RULES;
  const model = modelOf(state);
  if (model === undefined) return [];
  return brokenRules(member, model, rules).filter(({ breach }) => breach.kind !== "excluded");
}

function modelOf({ placement, models }: RoomState): ModelSummary | undefined {
  return placement?.model ?? models.at(-1);
}

/** It counts as slower only because it is forecast to become so. */
function isForecast(member: Member): boolean {
  const device = member.device && { ...member.device, forecast: null };
  return stepOf(slowdownOf({ ...member, device })) < stepOf(slowdownOf(member));
}

/** Another step at 8, 32, 128 ms, and so on: links of one network have the same. */
function roundTripStep(roundTripMs: number): number {
  return Math.round(Math.log2(Math.max(4, roundTripMs)) / 2);
}

function stepOf(ratio: number): number {
  return Math.round(Math.log(ratio) / Math.log(SLOWDOWN_STEP));
}
