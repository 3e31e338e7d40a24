/**
 * Who coordinates: what members tell each other about it, and what follows. Pure.
 *
 *   term         an epoch and the member that opened it. Each election adds one to the epoch. Two sides
 *                of a partition may open the same epoch; their terms differ, because a member opens an
 *                epoch at most once
 *   election     the longest log of the newest term, then the most senior member, among those that
 *                can be reached
 *   precedence   of two coordinators, the one whose members hold the placed model
 */
import type { MemberId, Placement, RoomState } from "../../shared/index.ts";
import type { Standing } from "./messages.ts";

/** Of two coordinators of one room, whether the first continues. */
export function precedes(
  first: Standing & { readonly self: MemberId },
  second: Standing & { readonly self: MemberId },
): boolean {
  if (first.holdsModel !== second.holdsModel) return first.holdsModel;
  if (first.epoch !== second.epoch) return first.epoch > second.epoch;
  return isLonger(first, second);
}

/** Of two logs of the same epoch but of different terms, whether the first continues. */
export function isLonger(
  first: Pick<Standing, "index"> & { readonly self: MemberId },
  second: Pick<Standing, "index"> & { readonly self: MemberId },
): boolean {
  return first.index === second.index ? first.self < second.self : first.index > second.index;
}

type Placed = Pick<RoomState, "placement">;

/** Whether `present` members hold at least half of the placement's stages. False without a model. */
export function holdsModel({ placement }: Placed, present: (id: MemberId) => boolean): boolean {
  return placement?.error === null && heldBy(placement, present) >= 0.5;
}

/** The same, but never true on both sides of a partition: of two halves, the one with the first stage. */
export function ownsModel({ placement }: Placed, present: (id: MemberId) => boolean): boolean {
  if (placement?.error !== null) return false;
  const held = heldBy(placement, present);
  return held > 0.5 || (held === 0.5 && present(placement.stages[0]!.member));
}

/** The share of its stages. */
function heldBy({ stages }: Placement, present: (id: MemberId) => boolean): number {
  return stages.filter(({ member }) => present(member)).length / stages.length;
}

export type ElectionView = {
  readonly self: MemberId;
  readonly state: RoomState;
  /** Members besides those of the state that may coordinate. */
  readonly others: readonly MemberId[];
  /** What members that can be reached said just now. */
  readonly standings: ReadonlyMap<MemberId, Standing>;
  /** A coordinator that said that it leaves. */
  readonly left: MemberId | null;
  /** The coordinator if the connection to it ended: nobody waits for its answer. */
  readonly lost: MemberId | null;
  /** Since the coordinator was lost. */
  readonly elapsedMs: number;
  readonly reachesServer: boolean;
  /** A member that held the room's name, and answered over the server, just now. */
  readonly holder: MemberId | null;
  readonly timings: { readonly electionMs: number; readonly isolationMs: number };
};

export type ElectionStep =
  | { readonly kind: "join"; readonly member: MemberId }
  /** Another member follows it. */
  | { readonly kind: "ask"; readonly member: MemberId }
  /** `ownsModel` if those that answered hold the placed model, or there is none. */
  | { readonly kind: "lead"; readonly epoch: number; readonly ownsModel: boolean }
  | { readonly kind: "wait" };

/** What a member without a coordinator does next. */
export function electionStep(view: ElectionView): ElectionStep {
  const { self, state, standings } = view;
  const others = [...standings].map(([id, standing]) => ({ ...standing, self: id }));
  // Never back to an older epoch, or to another term of the same one: that coordinator must renew its
  // epoch first, or step down.
  const current = others.filter(({ epoch }) => epoch >= state.epoch);
  const [best] = current
    .filter(({ self: id, coordinator }) => coordinator === id)
    .filter(({ epoch, opener }) => epoch > state.epoch || opener === state.coordinator)
    .sort((left, right) => (precedes(left, right) ? -1 : 1));
  if (best) return { kind: "join", member: best.self };
  // It knows this member's epoch by now, and renews its own or steps down.
  if (others.some(({ self: id, coordinator }) => coordinator === id)) return { kind: "wait" };
  const follower = current.find(({ coordinator }) => coordinator !== null && coordinator !== self);
  if (follower?.coordinator) return { kind: "ask", member: follower.coordinator };
  const electing = current.filter(({ coordinator }) => coordinator === null);
  const own = { epoch: state.epoch, index: state.nextIndex, opener: state.coordinator, self };
  if (electing.some((other) => isAhead(other, own, state)) || !mayLead(view))
    return { kind: "wait" };
  const epoch = Math.max(state.epoch, ...others.map((other) => other.epoch));
  const owns = ownsModel(state, (id) => id === self || standings.has(id));
  return { kind: "lead", epoch, ownsModel: owns };
}

type Log = Pick<Standing, "epoch" | "index" | "opener"> & { readonly self: MemberId };

/**
 * Of two members without a coordinator, whether the first is elected. A total order, so that it names
 * one: the newest epoch, the longest log, and among equal logs the most senior member.
 */
function isAhead(first: Log, second: Log, { members }: RoomState): boolean {
  if (first.epoch !== second.epoch) return first.epoch > second.epoch;
  if (first.index !== second.index) return first.index > second.index;
  if (first.opener !== second.opener) return first.opener < second.opener;
  const seniority = members.map(({ id }) => id);
  const rank = (id: MemberId) => seniority.indexOf(id) >>> 0; // unknown members are the youngest
  const [one, other] = [rank(first.self), rank(second.self)];
  return one === other ? first.self < second.self : one < other;
}

function mayLead(view: ElectionView): boolean {
  const { self, state, standings, left, lost, elapsedMs, reachesServer, holder, timings } = view;
  const known = [...state.members.map(({ id }) => id), ...view.others];
  const absent = known.filter((id) => id !== self && id !== left && !standings.has(id));
  if (absent.length === 0) return true;
  const holds = holdsModel(state, (id) => id === self || standings.has(id));
  // Others have lost it too: it is not the connection to this member alone.
  if (holds && standings.size > 0 && absent.every((id) => id === lost)) return true;
  if (elapsedMs < timings.electionMs) return false;
  const { placement } = state;
  if (!placement || placement.error !== null) return holder === null;
  if (placement.stages.some(({ member }) => member === left)) return true;
  if (holds) return true;
  // Those that hold the model may be on the other side of a partition. If the server reaches the one
  // that holds the name, they are.
  return reachesServer && holder === null && elapsedMs >= timings.isolationMs;
}
