/**
 * What the coordinator does next: small rules, tried in order, over the state and the
 * coordinator's own attempts. Each gives one step or none; the coordinator takes steps
 * until no rule has one.
 *
 * Pure: no clock, no network.
 */
import {
  type Generation,
  type GenerationId,
  isSameDirection,
  type LostLink,
  type Member,
  type RoomEvent,
  pipelineLinks,
  type PlacementId,
  type RoomFailure,
  type RoomState,
  type Stage,
  type StageLoss,
} from "../../shared/index.ts";
import { capacityKey } from "../planning/capacity.ts";
import { holdsStage } from "../planning/repair.ts";

/** An event to number, or work for the placer. */
export type Step = RoomEvent | { readonly type: "place_again" | "review" };

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

/** The placement fails if one of its stages is lost. */
const stageLost: Rule = ({ placement, members, lostLinks }) => {
  if (!placement || placement.error !== null) return null;
  for (const stage of placement.stages) {
    const member = members.find(({ id }) => id === stage.member);
    const link = pipelineLinks(placement.stages).find(({ from }) => from === stage.member);
    const lostLink = link && lostLinks.find(isSameDirection(link));
    const named = { ...stage, model: placement.model.name };
    const error = lossOf(named, placement.id, member, lostLink);
    if (error) return { type: "placement_failed", placement: placement.id, error };
  }
  return null;
};

function lossOf(
  stage: Stage & { readonly model: string },
  placement: PlacementId,
  member: Member | undefined,
  lostLink: LostLink | undefined,
): StageLoss | null {
  if (!member) return { reason: "stage_member_left", ...stage };
  const { adapter, noAdapter, shard, fault } = member;
  if (!adapter) return { reason: "stage_gpu_lost", ...stage, noAdapter };
  if (shard?.status === "failed")
    return { reason: "stage_load_failed", ...stage, cause: shard.error };
  // The placement is renewed, so that the member loads its layers again, or others take them.
  if (shard === null && fault?.placement === placement)
    return { reason: "stage_shard_failed", ...stage, cause: fault.cause };
  return lostLink ? { reason: "stage_link_lost", ...stage, to: lostLink.to } : null;
}

const allLoaded: Rule = ({ placement, members }) => {
  if (!placement || placement.ready || placement.error !== null) return null;
  const ready = placement.stages.every((stage) => holdsStage({ members }, stage));
  return ready ? { type: "placement_readied", placement: placement.id } : null;
};

const handedOver: Rule = ({ handover }) => {
  if (!handover) return null;
  const { placement, loaded } = handover;
  return placement.stages.every(({ member }) => loaded.includes(member))
    ? { type: "handover_ended", placement: placement.id, switched: true }
    : null;
};

const interrupted: Rule = ({ placement, generations }) => {
  const gone = generations.find(
    (generation) =>
      generation.status === "running" &&
      (generation.placement !== placement?.id || placement.error !== null),
  );
  return gone
    ? ended(gone.id, "interrupted", placement?.error ?? { reason: "placement_replaced" })
    : null;
};

/** A lost placement is decided again, once per change of the room's capacity. */
const placeAgain: Rule = (state, { solving, lastKey }) => {
  const { placement } = state;
  if (!placement || placement.error === null || solving) return null;
  return capacityKey(state) === lastKey ? null : { type: "place_again" };
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
    ? ended(waiting.id, "failed", placement?.error ?? { reason: "no_model_placed" })
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
  return next ? { type: "generation_started", generation: next.id, placement: placement.id } : null;
};

/** Not while it loads: a placement is reviewed once it is ready. */
const review: Rule = ({ placement, handover }, { solving, reviewDue }) =>
  reviewDue && !solving && !handover && placement?.ready === true ? { type: "review" } : null;

const RULES: readonly Rule[] = [
  stageLost,
  allLoaded,
  handedOver,
  interrupted,
  placeAgain,
  unservable,
  admission,
  review,
];

function ended(
  generation: GenerationId,
  outcome: "interrupted" | "failed",
  error: RoomFailure,
): Step {
  return { type: "generation_ended", generation, outcome, tokens: 0, error };
}
