/**
 * The fold: state and event in, state out. No clock, no network, no randomness,
 * so that every member that applied the same events holds the same state.
 *
 * An event about a member, placement or generation that is gone changes nothing
 * but the index: the coordinator may have sent it before it knew.
 *
 * Over 250 lines: one case for each event, and nothing else.
 */
import type { IndexedEvent, RoomEvent } from "./events.ts";
import type { MemberId, RoomCode } from "./ids.ts";
import type { LeaveReason } from "./mesh-failure.ts";
import type { Link, LostLink, Member, MemberFault } from "./member.ts";
import { DEFAULT_SETTINGS, type Generation, type Handover, type RoomState } from "./state.ts";

/** A room that runs for days must not collect names without bound. */
const MAX_FORMER_MEMBERS = 32;
const MAX_REMOVED_MEMBERS = 256;

/** The event does not follow the state. `EventLog` checks first, so this is a bug in its caller. */
export class EventGapError extends Error {
  override readonly name = "EventGapError";
  constructor(expected: string, got: string) {
    super(`The next event must be ${expected}, but ${got} came. Ask for the missing events.`);
  }
}

/** A room that its first coordinator has just opened, before any event. */
export function emptyRoom(room: RoomCode, coordinator: MemberId): RoomState {
  return {
    room,
    epoch: 1,
    nextIndex: 0,
    coordinator,
    openedBy: null,
    members: [],
    formerMembers: [],
    removedMembers: [],
    links: [],
    lostLinks: [],
    models: [],
    placement: null,
    handover: null,
    generations: [],
    settings: DEFAULT_SETTINGS,
    admits: "code",
    lastDecision: null,
  };
}

/**
 * The state after one event. The index must be the state's next one; the epoch
 * the state's own, or a later one with a `coordinator_changed`.
 * Throws `EventGapError` otherwise.
 */
export function apply(state: RoomState, { epoch, index, event }: IndexedEvent): RoomState {
  const opensEpoch = event.type === "coordinator_changed";
  const isInOrder = opensEpoch ? epoch > state.epoch : epoch === state.epoch;
  if (index !== state.nextIndex || !isInOrder) {
    throw new EventGapError(
      `${state.nextIndex} of epoch ${state.epoch}${opensEpoch ? " or later" : ""}`,
      `${index} of epoch ${epoch}`,
    );
  }
  return { ...state, ...changesBy(event, state), epoch, nextIndex: index + 1 };
}

/** What one event changes of a state. */
type Changes = Partial<RoomState>;

function changesBy(event: RoomEvent, state: RoomState): Changes {
  const { placement, handover } = state;
  switch (event.type) {
    case "coordinator_changed":
      return { coordinator: event.coordinator };
    case "member_joined": {
      const { id, shard } = event.member;
      const member = { ...event.member, shard: currentShard(state, id, shard) };
      return {
        openedBy: state.openedBy ?? id,
        members: [...without(state.members, id), member],
        formerMembers: state.formerMembers.filter((former) => former.id !== id),
        lostLinks: linksWithout(state.lostLinks, id),
      };
    }
    case "member_left":
      return afterLeaving(state, event.member, event.reason);
    case "member_renamed":
      return changeMember(state, event.member, { name: event.name });
    case "member_measured":
      // The correction from laps was relative to the old measurements.
      return changeMember(state, event.member, ({ costRatio: _old, ...member }) => ({
        // A member that stalled a load is used again only when a person says so.
        ...(member.fault?.cause.reason === "load_stalled" ? member : withoutFault(member)),
        measurements: event.measurements,
      }));
    case "member_corrected":
      return changeMember(state, event.member, { costRatio: event.costRatio });
    case "adapter_lost": {
      const { member, noAdapter } = event;
      const gone = { adapter: null, measurements: null, shard: null, noAdapter };
      return { handover: handoverWithout(state, member), ...changeMember(state, member, gone) };
    }
    case "member_use_chosen":
      // A person who chooses a member that failed wants it tried again.
      return changeMember(state, event.member, (member) => ({
        ...withoutFault(member),
        use: event.use,
      }));
    case "member_faulted":
      return changeMember(state, event.member, (member) => ({
        ...member,
        shard: null,
        fault: faultAfter(member.fault, event.cause, placement?.id ?? null),
      }));
    case "device_state_updated":
      return changeMember(state, event.member, { device: event.device });
    case "links_measured":
      return {
        links: mergedLinks(state, event.links),
        lostLinks: state.lostLinks.filter((link) => !event.links.some(isSameDirection(link))),
      };
    case "links_drifted": {
      const hasDrifted = (link: Link) => event.links.some(isSameDirection(link));
      const drifted = (link: Link) => (hasDrifted(link) ? { ...link, drifted: true } : link);
      return { links: state.links.map(drifted) };
    }
    case "links_lost": {
      const lost = event.links.filter(isBetweenMembers(state));
      const isLeft = (link: LostLink) => !lost.some(isSameDirection(link));
      const lostLinks = [...state.lostLinks.filter(isLeft), ...lost];
      return { links: state.links.filter(isLeft), lostLinks };
    }
    case "model_added": {
      const others = state.models.filter(({ name }) => name !== event.model.name);
      return { models: [...others, event.model] };
    }
    case "placement_reviewed":
      return { lastDecision: { ...event.decision, index: state.nextIndex } };
    case "placement_decided":
      return { ...withoutPlacement(state), placement: event.placement };
    case "shard_progressed":
      return currentShard(state, event.member, event.shard)
        ? changeMember(state, event.member, { shard: event.shard })
        : {};
    case "placement_readied":
      if (placement?.id !== event.placement) return {};
      return { placement: { ...placement, ready: true, error: null } };
    case "placement_failed":
      if (placement?.id !== event.placement) return {};
      return { placement: { ...placement, ready: false, error: event.error }, handover: null };
    case "placement_cleared":
      return placement?.id === event.placement ? withoutPlacement(state) : {};
    case "handover_begun":
      return { handover: { placement: event.placement, loaded: [] } };
    case "handover_loaded": {
      if (handover?.placement.id !== event.placement) return {};
      const others = handover.loaded.filter((member) => member !== event.member);
      return { handover: { ...handover, loaded: [...others, event.member] } };
    }
    case "handover_ended":
      if (handover?.placement.id !== event.placement) return {};
      return event.switched ? afterSwitch(state, handover) : { handover: null };
    case "generation_queued":
      return { generations: [...state.generations, event.generation] };
    case "generation_started": {
      const started = { status: "running", placement: event.placement } as const;
      const after = (old: Generation) =>
        old.id === event.generation ? { ...old, ...started } : old;
      return { generations: state.generations.map(after) };
    }
    case "generation_ended":
      return {
        members: event.outcome === "done" ? withoutFaults(state) : state.members,
        generations: state.generations.filter(({ id }) => id !== event.generation),
      };
    case "admission_changed":
      return { admits: event.admits };
    case "settings_changed":
      return { settings: event.settings };
    default:
      event satisfies never;
      return {};
  }
}

function without(members: readonly Member[], id: MemberId): Member[] {
  return members.filter((member) => member.id !== id);
}

/** The shard if it is the member's stage of the current placement. */
function currentShard(
  { placement }: RoomState,
  id: MemberId,
  shard: Member["shard"],
): Member["shard"] {
  const stage = placement?.stages.find(({ member }) => member === id);
  const isStage = shard?.first === stage?.first && shard?.end === stage?.end;
  return isStage && shard?.placement === placement?.id ? shard : null;
}

function withoutPlacement({ members }: RoomState): Changes {
  const unloaded = members.map((member) => ({ ...member, shard: null }));
  return { placement: null, handover: null, members: unloaded };
}

/** Of a member that left, only its name stays, and its stage until the model is placed again. */
function afterLeaving(state: RoomState, id: MemberId, { reason }: LeaveReason): Changes {
  const gone = state.members.filter((member) => member.id === id);
  const members = without(state.members, id);
  const removed = reason === "removed" ? [...state.removedMembers, id] : state.removedMembers;
  return {
    // Members are in the order in which they joined. A member that comes back has its old id, which
    // proves nothing: others could take it. So it does not get the room back.
    openedBy: state.openedBy === id ? (members[0]?.id ?? null) : state.openedBy,
    members,
    handover: handoverWithout(state, id),
    removedMembers: removed.slice(-MAX_REMOVED_MEMBERS),
    formerMembers: [...state.formerMembers, ...gone.map(({ name }) => ({ id, name }))].slice(
      -MAX_FORMER_MEMBERS,
    ),
    links: linksWithout(state.links, id),
    lostLinks: linksWithout(state.lostLinks, id),
    models: state.models.filter(({ source }) => source.kind === "url" || source.member !== id),
    generations: state.generations.filter(({ requester }) => requester !== id),
  };
}

/** The placement that loaded is the current one; members report more of their shards later. */
function afterSwitch(state: RoomState, { placement }: Handover): Changes {
  const shardOf = (member: Member): Member["shard"] => {
    const stage = placement.stages.find((each) => each.member === member.id);
    if (stage === undefined) return null;
    const { first, end } = stage;
    const { shard } = member;
    const isSame = shard?.first === first && shard.end === end;
    const known = isSame ? shard : { loadedBytes: 0, totalBytes: 0, kernels: null };
    const ready = { status: "ready", phase: "ready", error: null } as const;
    return { ...known, placement: placement.id, first, end, ...ready };
  };
  return {
    placement: { ...placement, ready: true, error: null },
    handover: null,
    members: state.members.map((member) => ({ ...member, shard: shardOf(member) })),
  };
}

/** A member that takes part in a handover is gone: there is none. */
function handoverWithout({ handover }: RoomState, gone: MemberId): Handover | null {
  return handover?.placement.stages.some(({ member }) => member === gone) ? null : handover;
}

function changeMember(
  { members }: RoomState,
  id: MemberId,
  change: Partial<Member> | ((old: Member) => Member),
): Changes {
  const changed = (old: Member) =>
    typeof change === "function" ? change(old) : { ...old, ...change };
  return { members: members.map((member) => (member.id === id ? changed(member) : member)) };
}

function linksWithout<T extends LostLink>(links: readonly T[], id: MemberId): T[] {
  return links.filter(({ from, to }) => from !== id && to !== id);
}

/** Whether a link goes from the same member to the same other one. */
export function isSameDirection(one: LostLink): (other: LostLink) => boolean {
  return (other) => other.from === one.from && other.to === one.to;
}

function isBetweenMembers({ members }: RoomState): (link: LostLink) => boolean {
  const here = new Set(members.map(({ id }) => id));
  return ({ from, to }) => here.has(from) && here.has(to);
}

/** A complete answer shows that every stage works. */
function withoutFaults({ members, placement }: RoomState): RoomState["members"] {
  const worked = new Set(placement?.stages.map(({ member }) => member));
  return members.map((member) => (worked.has(member.id) ? withoutFault(member) : member));
}

/** Of several reports of one failure, all but the first count for nothing: a fault counts once per placement. */
function faultAfter(
  before: MemberFault | undefined,
  cause: MemberFault["cause"],
  placement: number | null,
): MemberFault {
  const isSame = before !== undefined && before.placement === placement;
  return { count: (before?.count ?? 0) + (isSame ? 0 : 1), cause, placement };
}

const withoutFault = ({ fault: _fault, ...member }: Member): Member => member;

/** The newest measurement of each direction, between members that are here. */
function mergedLinks(state: RoomState, measured: readonly Link[]): Link[] {
  const isHere = isBetweenMembers(state);
  const byPair = new Map(state.links.map((link) => [`${link.from} ${link.to}`, link]));
  for (const link of measured) {
    if (isHere(link)) byPair.set(`${link.from} ${link.to}`, link);
  }
  return [...byPair.values()];
}
