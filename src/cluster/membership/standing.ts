/**
 * Who coordinates: what members tell each other about it, and what follows. Pure.
 *
 *   epoch        fences: events of a lower epoch are refused, and no two members take the same one
 *   election     the most senior member of the newest epoch, among those that can be reached
 *   precedence   of two coordinators, the one whose members hold the placed model
 */
import type { MemberId, RoomState } from "../../shared/index.ts";

/** What a member knows: of itself, if it coordinates; else whom it follows. */
export type Standing = {
  readonly epoch: number;
  /** The length of its log. */
  readonly index: number;
  /** null while it has none. */
  readonly coordinator: MemberId | null;
  /** The coordinator that opened the epoch: two rooms of one code may have the same epoch. */
  readonly opener: MemberId;
  /** It coordinates, and its members hold at least half of the placement's stages. */
  readonly holdsModel: boolean;
};

/**
 * Two members that continue the same log take different epochs, because members of a room have
 * different colors. The server allows 16 such steps between two coordinators that it knows.
 */
const EPOCH_STEP = 8;

/** The lowest epoch above `epoch` that belongs to the member with this color. */
export function nextEpoch(epoch: number, color: number): number {
  const own = (color + 1) % EPOCH_STEP;
  const past = epoch % EPOCH_STEP;
  return epoch + ((own - past + EPOCH_STEP - 1) % EPOCH_STEP) + 1;
}

/** Of two coordinators of one room, whether the first continues. */
export function precedes(
  first: Standing & { readonly self: MemberId },
  second: Standing & { readonly self: MemberId },
): boolean {
  if (first.holdsModel !== second.holdsModel) return first.holdsModel;
  if (first.epoch !== second.epoch) return first.epoch > second.epoch;
  if (first.index !== second.index) return first.index > second.index;
  return first.self < second.self;
}

/** Of two logs of the same epoch but of different rooms, whether the first continues. */
export function isLonger(
  first: Pick<Standing, "index"> & { readonly self: MemberId },
  second: Pick<Standing, "index"> & { readonly self: MemberId },
): boolean {
  return first.index === second.index ? first.self < second.self : first.index > second.index;
}

/** Whether `present` members hold at least half of the placement's stages. False without a model. */
export function holdsModel(
  { placement }: Pick<RoomState, "placement">,
  present: (member: MemberId) => boolean,
): boolean {
  if (!placement || placement.error !== null) return false;
  const held = placement.stages.filter(({ member }) => present(member)).length;
  return 2 * held >= placement.stages.length;
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
  /** Since the coordinator was lost. */
  readonly elapsedMs: number;
  readonly reachesServer: boolean;
  readonly timings: { readonly electionMs: number; readonly isolationMs: number };
};

export type ElectionStep =
  | { readonly kind: "join"; readonly member: MemberId }
  /** Another member follows it. */
  | { readonly kind: "ask"; readonly member: MemberId }
  | { readonly kind: "lead"; readonly epoch: number }
  | { readonly kind: "wait" };

/** What a member without a coordinator does next. */
export function electionStep(view: ElectionView): ElectionStep {
  const { self, state, standings } = view;
  const others = [...standings].map(([id, standing]) => ({ ...standing, self: id }));
  // Never back to an older epoch, or to another room's: that coordinator must renew its epoch first,
  // or step down.
  const current = others.filter(({ epoch }) => epoch >= state.epoch);
  const [best] = current
    .filter(({ self: id, coordinator }) => coordinator === id)
    .filter(({ epoch, opener }) => epoch > state.epoch || opener === state.coordinator)
    .sort((left, right) => (precedes(left, right) ? -1 : 1));
  if (best) return { kind: "join", member: best.self };
  // It has heard of this member's epoch by now, and renews its own or steps down.
  if (others.some(({ self: id, coordinator }) => coordinator === id)) return { kind: "wait" };
  const follower = current.find(({ coordinator }) => coordinator !== null && coordinator !== self);
  if (follower?.coordinator) return { kind: "ask", member: follower.coordinator };
  const electing = current.filter(({ coordinator }) => coordinator === null);
  const seniority = state.members.map(({ id }) => id);
  const rank = (id: MemberId) => seniority.indexOf(id) >>> 0; // unknown members are the youngest
  const isSecond = electing.some((other) => {
    if (other.epoch !== state.epoch) return other.epoch > state.epoch;
    if (other.opener !== state.coordinator) {
      return isLonger(other, { index: state.nextIndex, self });
    }
    const [theirs, own] = [rank(other.self), rank(self)];
    return theirs === own ? other.self < self : theirs < own;
  });
  return !isSecond && mayLead(view)
    ? { kind: "lead", epoch: Math.max(state.epoch, ...others.map(({ epoch }) => epoch)) }
    : { kind: "wait" };
}

function mayLead(view: ElectionView): boolean {
  const { self, state, standings, left, elapsedMs, reachesServer, timings } = view;
  const known = [...state.members.map(({ id }) => id), ...view.others];
  const absent = known.filter((id) => id !== self && id !== left && !standings.has(id));
  if (absent.length === 0) return true;
  if (elapsedMs < timings.electionMs) return false;
  const { placement } = state;
  if (!placement || placement.error !== null) return true;
  if (placement.stages.some(({ member }) => member === left)) return true;
  if (holdsModel(state, (id) => id === self || standings.has(id))) return true;
  // Those that hold the model may be on the other side of a partition. A member that reaches
  // the server is rather on the side that people can use.
  return reachesServer && elapsedMs >= timings.isolationMs;
}
