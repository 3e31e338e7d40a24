/**
 * What the coordinator does next: small rules, tried in order, over the state and the
 * coordinator's own attempts. Each gives one step or none; the coordinator takes steps
 * until no rule has one.
 *
 * Pure: no clock, no network.
 */
import type {
  Generation,
  RoomEvent,
  ModelSummary,
  PlacementFailure,
  Placement,
  RoomState,
  Stage,
} from "../../shared/index.ts";
import { capacityKey } from "../planning/capacity.ts";

export type Step =
  | { readonly kind: "emit"; readonly event: RoomEvent }
  | { readonly kind: "place"; readonly model: ModelSummary }
  | { readonly kind: "review" };

export type Attempts = {
  /** A solve is in progress. */
  readonly solving: boolean;
  /** `capacityKey` when the solver last ran; null before its first run. */
  readonly lastKey: string | null;
  /** The room's capacity changed a while ago: the current placement must be reviewed. */
  readonly reviewDue: boolean;
  /** A link of the placement's pipeline is down, and its ends try to repair it. */
  readonly repairing: boolean;
};

type Rule = (state: RoomState, attempts: Attempts) => Step | null;

/** The next step, or null when there is nothing to do. */
export function nextStep(state: RoomState, attempts: Attempts): Step | null {
  for (const rule of RULES) {
    const step = rule(state, attempts);
    if (step) return step;
  }
  return null;
}

const stageLost: Rule = ({ placement, members }) => {
  if (!placement || placement.error !== null) return null;
  for (const stage of placement.stages) {
    const member = members.find(({ id }) => id === stage.member);
    if (member?.adapter) continue;
    const layers = layersOf(placement, stage);
    return failed(
      placement,
      member
        ? { reason: "stage_gpu_lost", ...layers, noAdapter: member.noAdapter }
        : { reason: "stage_member_left", ...layers },
    );
  }
  return null;
};

const shardFailed: Rule = ({ placement, members }) => {
  if (!placement || placement.error !== null) return null;
  for (const stage of placement.stages) {
    const member = members.find(({ id }) => id === stage.member);
    const shard = member?.shard;
    if (shard?.placement !== placement.id || shard.status !== "failed") continue;
    const layers = layersOf(placement, stage);
    return failed(placement, { reason: "stage_load_failed", ...layers, cause: shard.error });
  }
  return null;
};

/** The placement is renewed, so that the member loads its layers again, or others take them. */
const shardGone: Rule = ({ placement, members }) => {
  if (!placement || placement.error !== null) return null;
  for (const stage of placement.stages) {
    const member = members.find(({ id }) => id === stage.member);
    if (member?.shard !== null || member.fault?.placement !== placement.id) continue;
    const { cause } = member.fault;
    return failed(placement, {
      reason: "stage_shard_failed",
      ...layersOf(placement, stage),
      cause,
    });
  }
  return null;
};

const linkLost: Rule = ({ placement, lostLinks }) => {
  if (!placement || placement.error !== null) return null;
  for (const [index, stage] of placement.stages.entries()) {
    const to = placement.stages[(index + 1) % placement.stages.length]!.member;
    if (!lostLinks.some((link) => link.from === stage.member && link.to === to)) continue;
    return failed(placement, { reason: "stage_link_lost", ...layersOf(placement, stage), to });
  }
  return null;
};

const allLoaded: Rule = ({ placement, members }) => {
  if (!placement || placement.ready || placement.error !== null) return null;
  const ready = placement.stages.every((stage) => {
    const shard = members.find(({ id }) => id === stage.member)?.shard;
    return (
      shard?.status === "ready" &&
      shard.placement === placement.id &&
      shard.first === stage.first &&
      shard.end === stage.end
    );
  });
  return ready ? emit({ type: "placement_readied", placement: placement.id }) : null;
};

const handedOver: Rule = ({ handover }) => {
  if (!handover) return null;
  const { placement, loaded } = handover;
  return placement.stages.every(({ member }) => loaded.includes(member))
    ? emit({ type: "handover_ended", placement: placement.id, switched: true })
    : null;
};

const interrupted: Rule = ({ placement, generations }) => {
  const lost = generations.find(
    (generation) =>
      generation.status === "running" &&
      (generation.placement !== placement?.id || placement.error !== null),
  );
  return lost
    ? emit({
        type: "generation_ended",
        generation: lost.id,
        outcome: "interrupted",
        tokens: 0,
        error: placement?.error ?? { reason: "placement_replaced" },
      })
    : null;
};

/** A lost placement is decided again, once per change of the room's capacity. */
const placeAgain: Rule = (state, { solving, lastKey }) => {
  const { placement } = state;
  if (!placement || placement.error === null || solving) return null;
  return capacityKey(state) === lastKey ? null : { kind: "place", model: placement.model };
};

/**
 * Answers that wait for a model that will not come. One that has begun waits for another member
 * while its model is lost.
 */
const unservable: Rule = ({ placement, generations }, { solving }) => {
  if (solving || (placement && placement.error === null)) return null;
  const waiting = generations.find(
    ({ status, continues }) => status === "queued" && !(placement && continues),
  );
  return waiting
    ? emit({
        type: "generation_ended",
        generation: waiting.id,
        outcome: "failed",
        tokens: 0,
        error: placement?.error ?? { reason: "no_model_placed" },
      })
    : null;
};

/** The oldest of the requester that has the fewest running, so that none waits for all of another's. */
const admission: Rule = ({ placement, generations }, { repairing }) => {
  if (!placement?.ready || repairing) return null;
  const running = generations.filter(({ status }) => status === "running");
  if (running.length >= placement.generationSlots) return null;
  const runs = ({ requester }: Generation) =>
    running.filter((other) => other.requester === requester).length;
  const [next] = generations
    .filter(({ status }) => status === "queued")
    .sort((one, other) => runs(one) - runs(other));
  return next
    ? emit({ type: "generation_started", generation: next.id, placement: placement.id })
    : null;
};

/** Not while it loads: a placement is reviewed once it is ready. */
const review: Rule = ({ placement, handover }, { solving, reviewDue }) =>
  reviewDue && !solving && !handover && placement?.ready === true && placement.error === null
    ? { kind: "review" }
    : null;

const RULES: readonly Rule[] = [
  stageLost,
  shardFailed,
  shardGone,
  linkLost,
  allLoaded,
  handedOver,
  interrupted,
  placeAgain,
  unservable,
  admission,
  review,
];

function emit(event: RoomEvent): Step {
  return { kind: "emit", event };
}

function failed(placement: Placement, error: PlacementFailure): Step {
  return emit({ type: "placement_failed", placement: placement.id, error });
}

function layersOf({ model }: Placement, stage: Stage) {
  return { ...stage, model: model.name };
}
