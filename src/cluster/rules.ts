/**
 * What the coordinator does next: small rules, tried in order, over the state
 * and what the coordinator remembers of its own attempts. Each gives one step or
 * nothing; the coordinator takes steps until no rule has one.
 *
 * Pure: no clock, no network.
 */
import type { Member } from "../shared/member.ts";
import type { RoomEvent } from "../shared/events.ts";
import type { MemberId } from "../shared/ids.ts";
import type { ModelSummary } from "../shared/model.ts";
import type { Placement, RoomState, Stage } from "../shared/state.ts";
import { capacityKey } from "./circumstances.ts";

export type Step =
  | { readonly kind: "emit"; readonly event: RoomEvent }
  | { readonly kind: "place"; readonly model: ModelSummary }
  | { readonly kind: "review" };

export type Attempts = {
  /** A solve is under way; its answer comes as a decision or not at all. */
  readonly solving: boolean;
  /** `capacityKey` when the solver last ran; null before the first time. */
  readonly lastKey: string | null;
  /** Circumstances changed a while ago: what runs is to be weighed anew. */
  readonly reviewDue: boolean;
};

/** What people call a member, also one that has left and that the state knows no more. */
export type NameOf = (member: MemberId) => string;

type Rule = (state: RoomState, attempts: Attempts, nameOf: NameOf) => Step | null;

/** The next step, or null when the room is as it should be. */
export function nextStep(state: RoomState, attempts: Attempts, nameOf: NameOf): Step | null {
  for (const rule of RULES) {
    const step = rule(state, attempts, nameOf);
    if (step) return step;
  }
  return null;
}

const stageLost: Rule = ({ placement, members }, _attempts, nameOf) => {
  if (!placement || placement.error !== null) return null;
  for (const stage of placement.stages) {
    const member = members.find(({ id }) => id === stage.member);
    if (member?.adapter) continue;
    const why = member
      ? `${member.name} lost its GPU (${lossOf(member) ?? "no reason given"})`
      : `${nameOf(stage.member)} left`;
    return failed(placement, `${why}, and with it ${layersOf(stage)} of ${placement.model.name}.`);
  }
  return null;
};

const lossOf = ({ noAdapter }: Member) =>
  noAdapter?.reason === "device_lost" ? noAdapter.detail : null;

const shardFailed: Rule = ({ placement, members }) => {
  if (!placement || placement.error !== null) return null;
  for (const stage of placement.stages) {
    const member = members.find(({ id }) => id === stage.member);
    const shard = member?.shard;
    if (shard?.placement !== placement.id || shard.status !== "failed") continue;
    return failed(
      placement,
      `${member?.name ?? stage.member} could not load ${layersOf(stage)}: ${shard.error ?? "no reason given"}`,
    );
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
        error: placement?.error ?? "The model was placed anew.",
      })
    : null;
};

/** A placement that was lost is decided anew, once for each change of what the room has. */
const placeAgain: Rule = (state, { solving, lastKey }) => {
  const { placement } = state;
  if (!placement || placement.error === null || solving) return null;
  return capacityKey(state) === lastKey ? null : { kind: "place", model: placement.model };
};

const hopeless: Rule = ({ placement, generations }, { solving }) => {
  if (solving || (placement && placement.error === null)) return null;
  const waiting = generations.find(({ status }) => status === "queued");
  return waiting
    ? emit({
        type: "generation_ended",
        generation: waiting.id,
        outcome: "failed",
        tokens: 0,
        error: placement?.error ?? "No model is placed. Place one and ask again.",
      })
    : null;
};

const admission: Rule = ({ placement, generations }) => {
  if (!placement?.ready) return null;
  const running = generations.filter(({ status }) => status === "running").length;
  if (running >= placement.generationSlots) return null;
  const next = generations.find(({ status }) => status === "queued");
  return next
    ? emit({ type: "generation_started", generation: next.id, placement: placement.id })
    : null;
};

/** Not while it loads: a placement is weighed once it runs. */
const review: Rule = ({ placement }, { solving, reviewDue }) =>
  reviewDue && !solving && placement?.ready === true && placement.error === null
    ? { kind: "review" }
    : null;

const RULES: readonly Rule[] = [
  stageLost,
  shardFailed,
  allLoaded,
  interrupted,
  placeAgain,
  hopeless,
  admission,
  review,
];

function emit(event: RoomEvent): Step {
  return { kind: "emit", event };
}

function failed(placement: Placement, error: string): Step {
  return emit({ type: "placement_failed", placement: placement.id, error });
}

function layersOf({ first, end }: Stage): string {
  return end - first === 1 ? `layer ${first}` : `layers ${first} to ${end - 1}`;
}
